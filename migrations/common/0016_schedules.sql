-- What is to be done again and again; see docs/reference/schedules.md.
CREATE TABLE schedules (
  id BIGINT PRIMARY KEY,
  schedule_id TEXT NOT NULL UNIQUE,
  project_id BIGINT NOT NULL REFERENCES projects(id),
  name TEXT NOT NULL,
  spec TEXT NOT NULL,
  tz TEXT NOT NULL,
  overlap TEXT NOT NULL,
  catchup_us BIGINT NOT NULL,
  jitter_us BIGINT NOT NULL,
  failures_max BIGINT NOT NULL,  -- Pauses after so many in a row; 0: never.
  task_template JSON NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  fire_at BIGINT,  -- The next time of the spec; NULL: none.
  next_at BIGINT,  -- The same with its jitter.
  paused BIGINT NOT NULL,
  pause_reason TEXT,
  failures BIGINT NOT NULL,  -- In a row.
  fired BIGINT NOT NULL,
  skipped BIGINT NOT NULL,
  missed BIGINT NOT NULL,
  last_fire_at BIGINT,
  version BIGINT NOT NULL,
  UNIQUE (project_id, name)
) STRICT;
CREATE INDEX idx_schedule_due ON schedules(paused, next_at);

-- What became of its times: those that wait or run, and the last that ended.
CREATE TABLE schedule_runs (
  schedule_no BIGINT NOT NULL REFERENCES schedules(id) ON DELETE CASCADE,
  fire_at BIGINT NOT NULL,
  state BIGINT NOT NULL,  -- RunState of schedules.hpp.
  origin TEXT NOT NULL,
  cancels BIGINT NOT NULL,  -- It waits for the end of tasks that are to be cancelled for it.
  task_no BIGINT,
  outcome TEXT,
  error TEXT,
  at BIGINT NOT NULL,
  PRIMARY KEY (schedule_no, fire_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_schedule_run_state ON schedule_runs(state, schedule_no, fire_at);
