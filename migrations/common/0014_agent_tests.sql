-- Runs of agent tests (wrench agent test --history). run_id is a ULID: their order is that of time.
CREATE TABLE eval_runs (
  run_id TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  elapsed_us BIGINT NOT NULL,
  version TEXT NOT NULL,
  total BIGINT NOT NULL,
  passed BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  skipped BIGINT NOT NULL
) STRICT, WITHOUT ROWID;

-- A case's result; body is its JSON.
CREATE TABLE eval_results (
  run_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  agent TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;
