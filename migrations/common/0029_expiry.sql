-- When an execution may not be queued or waiting any more.
ALTER TABLE task_executions ADD COLUMN expires_at BIGINT;
