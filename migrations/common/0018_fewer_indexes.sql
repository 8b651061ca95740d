-- Indexes that no statement uses cost every task eight pages of log (docs/adr/0013-indexes-follow-statements.md).
DROP INDEX idx_task_status_priority;
DROP INDEX idx_task_created_status;
DROP INDEX idx_task_updated;
DROP INDEX idx_execution_task_status;
DROP INDEX idx_execution_agent_status;
DROP INDEX idx_execution_started;
