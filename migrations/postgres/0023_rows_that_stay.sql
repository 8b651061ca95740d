-- An execution's row changes in its page, without new entries in its indexes: no index names what a flush changes, and pages
-- keep room. Executions have no owner here.
DROP INDEX idx_execution_owner;
ALTER TABLE task_executions SET (fillfactor = 50);
