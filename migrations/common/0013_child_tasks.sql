-- The step that a task was created for: it waits until the task ends.
ALTER TABLE tasks ADD COLUMN parent_execution BIGINT;
ALTER TABLE tasks ADD COLUMN parent_step BIGINT;
CREATE INDEX idx_task_parent ON tasks(parent_execution, parent_step) WHERE parent_execution IS NOT NULL;
