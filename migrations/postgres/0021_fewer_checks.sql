-- Each of these cost a look-up for each new task, and a lock of the row that it refers to: all tasks of a project lock the
-- project's, so the transactions of all workers met there. Projects, repositories and plans are never deleted.
ALTER TABLE tasks DROP CONSTRAINT tasks_project_id_fkey;
ALTER TABLE tasks DROP CONSTRAINT tasks_repo_id_fkey;
ALTER TABLE task_executions DROP CONSTRAINT task_executions_plan_hash_fkey;

-- The children of a step in their order: without step_no the server read all steps of the execution instead.
DROP INDEX idx_step_children;
CREATE INDEX idx_step_children ON steps(execution_id, parent_step, step_no) WHERE parent_step IS NOT NULL;
