-- What other processes ask of the one that owns an execution (cancel, pause, resume), until it obeys. Cancels used to be
-- columns of the execution.
CREATE TABLE requests (
  execution_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (execution_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO requests (execution_id, seq, kind, reason, actor, at)
SELECT id, 1, 'cancel', cancel_request, coalesce(cancel_requested_by, 'user'), created_at FROM task_executions
WHERE completed_at IS NULL AND cancel_at IS NULL AND cancel_request IS NOT NULL;
ALTER TABLE task_executions DROP COLUMN cancel_request;
ALTER TABLE task_executions DROP COLUMN cancel_requested_by;

-- Open executions by owner: those of dead processes, or of none, are found without looking at the others.
DROP INDEX idx_execution_open;
CREATE INDEX idx_execution_owner ON task_executions(owner_boot, id) WHERE completed_at IS NULL;

-- 0 no, 1 its steps run to their ends, 2 they were asked to give back what they do.
ALTER TABLE task_executions ADD COLUMN paused BIGINT NOT NULL DEFAULT 0;
