-- What steps wait for from outside: a person, a signal, a time. applied: the step has gone on. A decision that isn't
-- applied is a message to the process that owns the execution.
CREATE TABLE waits (
  wait_id TEXT PRIMARY KEY,
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  kind BIGINT NOT NULL,  -- WaitKind of plan.hpp.
  name TEXT NOT NULL,    -- Of a signal, else empty.
  title TEXT NOT NULL,
  subject JSON,
  subject_hash BYTES,
  schema JSON,
  role TEXT NOT NULL,
  four_eyes BIGINT NOT NULL,
  requested_by TEXT NOT NULL,
  delegated_to TEXT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  decision TEXT,  -- approve, approve_with_edits, reject, answer, signal; void: nobody decided in time.
  decided_by TEXT,
  decided_at BIGINT,
  comment TEXT,
  answer JSON,
  applied BIGINT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_wait_step ON waits(execution_id, step_no);
CREATE INDEX idx_wait_open ON waits(created_at, wait_id) WHERE applied = 0;

-- Signals that came before anything waited for them.
CREATE TABLE signals (
  execution_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  seq BIGINT NOT NULL,
  body JSON,
  actor TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (execution_id, name, seq)
) STRICT, WITHOUT ROWID;

-- How many steps wait outside, by reason; steps that only wait for their own children no longer count as active.
ALTER TABLE task_executions ADD COLUMN waiting TEXT;
UPDATE task_executions SET steps_active = (
  SELECT count(*) FROM steps WHERE execution_id = task_executions.id AND state BETWEEN 1 AND 4
) WHERE completed_at IS NULL;
