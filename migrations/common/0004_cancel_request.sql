-- A cancel that another process asked for, until the owner obeys: its reason, and who asked. It used to be a mark in
-- cancel_reason, which lost both.
ALTER TABLE task_executions ADD COLUMN cancel_request TEXT;
ALTER TABLE task_executions ADD COLUMN cancel_requested_by TEXT;
UPDATE task_executions
SET cancel_request = 'cancelled', cancel_requested_by = 'user', cancel_at = NULL, cancel_reason = NULL
WHERE completed_at IS NULL AND cancel_reason = 'requested';
