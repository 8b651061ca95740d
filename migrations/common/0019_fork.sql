-- A fork: an execution that goes on from what an earlier one of its task did. forked_seq: the newest journal entry of
-- that one which counts. fork_set: a bit for each step outside of bodies that has a row of its own here.
ALTER TABLE task_executions ADD COLUMN forked_from BIGINT;
ALTER TABLE task_executions ADD COLUMN forked_seq BIGINT;
ALTER TABLE task_executions ADD COLUMN fork_set BYTES;
