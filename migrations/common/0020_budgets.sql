-- How much may be used of what, and is. A scope: "t<task>", "x<execution>", "s<execution>/<step>", or of a project's day
-- or month "p<project>/day/20261128".
CREATE TABLE budgets (
  scope TEXT NOT NULL,
  dim TEXT NOT NULL,
  cap BIGINT,                -- Null: it is only counted.
  reserved BIGINT NOT NULL,  -- By what has begun.
  spent BIGINT NOT NULL,
  PRIMARY KEY (scope, dim)
) STRICT, WITHOUT ROWID;

-- The ledger. A row comes when something begins, is settled once when it is known what was used, and stays.
CREATE TABLE budget_entries (
  scope TEXT NOT NULL,
  dim TEXT NOT NULL,
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  epoch BIGINT NOT NULL,      -- Of the attempt.
  call_no BIGINT NOT NULL,    -- From 1 what the step asks for; 0 and below the shares of the run itself.
  reserved BIGINT NOT NULL,
  settled BIGINT,             -- Null: not known yet.
  estimated BIGINT NOT NULL,  -- 1: nobody told what was used.
  at BIGINT NOT NULL,
  settled_at BIGINT,
  PRIMARY KEY (scope, dim, execution_id, step_no, epoch, call_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_budget_open ON budget_entries(execution_id, step_no) WHERE settled IS NULL;

-- Steps that wait for a budget, until they are told to look again.
CREATE TABLE budget_waits (
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  scope TEXT NOT NULL,
  spent BIGINT NOT NULL,  -- 0: what others have reserved may come back; 1: somebody has to raise it.
  PRIMARY KEY (execution_id, step_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_budget_wait ON budget_waits(scope, spent, execution_id, step_no);

-- What each day or month of a project begins with.
CREATE TABLE budget_periods (
  project_id BIGINT NOT NULL,
  period TEXT NOT NULL,
  dim TEXT NOT NULL,
  cap BIGINT NOT NULL,
  PRIMARY KEY (project_id, period, dim)
) STRICT, WITHOUT ROWID;

-- The scopes that its steps draw from, from the narrowest; null: none.
ALTER TABLE task_executions ADD COLUMN budgets TEXT;
