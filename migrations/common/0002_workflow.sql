-- Tasks, their plans, executions and steps, the journal, and what findings they left. States are written by
-- src/workflow only; see docs/reference/workflow.md.

CREATE TABLE orgs (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE projects (
  id BIGINT PRIMARY KEY,
  org_id BIGINT NOT NULL REFERENCES orgs(id),
  name TEXT NOT NULL,
  UNIQUE (org_id, name)
) STRICT;
INSERT INTO orgs (id, name) VALUES (1, 'default');
INSERT INTO projects (id, org_id, name) VALUES (1, 1, 'default');

-- What findings are about: an absolute path or a URL.
CREATE TABLE repositories (
  id BIGINT PRIMARY KEY,
  project_id BIGINT NOT NULL REFERENCES projects(id),
  location TEXT NOT NULL,
  UNIQUE (project_id, location)
) STRICT;

CREATE TABLE workers (
  boot TEXT PRIMARY KEY,
  pid BIGINT NOT NULL,
  version TEXT NOT NULL,
  started_at BIGINT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
  id BIGINT PRIMARY KEY,
  task_id TEXT NOT NULL UNIQUE,
  project_id BIGINT NOT NULL REFERENCES projects(id),
  repo_id BIGINT REFERENCES repositories(id),
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
  description TEXT,
  tracking TEXT NOT NULL,
  status TEXT NOT NULL,
  state TEXT,
  wait_reason TEXT,
  priority TEXT NOT NULL DEFAULT 'medium',
  kind TEXT,
  inputs BYTES NOT NULL,  -- Hash of the blob.
  metadata JSON,
  plan_notes JSON,
  idempotency_key TEXT,
  request_hash BYTES,
  created_by TEXT NOT NULL,
  progress BIGINT NOT NULL DEFAULT 0,  -- Parts per million.
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX idx_task_status_priority ON tasks(status, priority);
CREATE INDEX idx_task_created_status ON tasks(created_at, status);
CREATE INDEX idx_task_status_page ON tasks(status, created_at, id);
CREATE INDEX idx_task_project_page ON tasks(project_id, status, created_at, id);
CREATE INDEX idx_task_updated ON tasks(updated_at);
CREATE UNIQUE INDEX idx_task_idempotency ON tasks(project_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE plans (plan_hash BYTES PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE task_executions (
  id BIGINT PRIMARY KEY,
  execution_id TEXT NOT NULL UNIQUE,
  task_id BIGINT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
  number BIGINT NOT NULL,
  agent_id TEXT,
  status TEXT NOT NULL,
  suspend_reason TEXT,
  result JSON,
  error JSON,
  started_at BIGINT,
  completed_at BIGINT,
  duration BIGINT,  -- Milliseconds.
  created_at BIGINT NOT NULL,
  plan_hash BYTES NOT NULL REFERENCES plans(plan_hash),
  owner_boot TEXT,
  on_exhausted TEXT NOT NULL,
  cancel_at BIGINT,
  cancel_reason TEXT,
  deadline_at BIGINT,
  next_step BIGINT NOT NULL,
  steps_total BIGINT NOT NULL,
  steps_done BIGINT NOT NULL,
  steps_failed BIGINT NOT NULL,
  steps_active BIGINT NOT NULL,
  steps_held BIGINT NOT NULL,
  engine_version TEXT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1,
  UNIQUE (task_id, number)
) STRICT;
CREATE INDEX idx_execution_task_status ON task_executions(task_id, status);
CREATE INDEX idx_execution_agent_status ON task_executions(agent_id, status);
CREATE INDEX idx_execution_started ON task_executions(started_at);
CREATE INDEX idx_execution_open ON task_executions(id) WHERE completed_at IS NULL;

CREATE TABLE task_dependencies (
  id BIGINT PRIMARY KEY,
  task_id BIGINT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
  depends_on_id BIGINT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
  policy TEXT NOT NULL DEFAULT 'block',
  CHECK (task_id <> depends_on_id)
) STRICT;
CREATE UNIQUE INDEX idx_unique_dependency ON task_dependencies(task_id, depends_on_id);
CREATE INDEX idx_dependency_reverse ON task_dependencies(depends_on_id);

-- node: index in the plan. state: StepState of transitions.hpp. flags: StepFlag of rows.hpp.
CREATE TABLE steps (
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  node BIGINT NOT NULL,
  parent_step BIGINT,
  iteration BIGINT,
  state BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  lost BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  deps_left BIGINT NOT NULL,
  worker_boot TEXT,
  claimed_at BIGINT,
  output_seq BIGINT NOT NULL,  -- Journal entry with the output or the last error; 0: none.
  cursor TEXT,                 -- Checkpoint of a call, progress of a map.
  flags BIGINT NOT NULL,
  rank BIGINT,                 -- Of its ready row.
  PRIMARY KEY (execution_id, step_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_step_children ON steps(execution_id, parent_step) WHERE parent_step IS NOT NULL;

-- Backlog only: a step that finds a free slot is claimed in the flush that makes it ready. queue: "<slot>@<boot>".
CREATE TABLE ready (
  queue TEXT NOT NULL,
  rank BIGINT NOT NULL,
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  PRIMARY KEY (queue, rank, execution_id, step_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE timers (
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,  -- 0: the execution's own.
  kind BIGINT NOT NULL,     -- TimerKind of rows.hpp.
  due_at BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  PRIMARY KEY (execution_id, step_no, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_timer_due ON timers(due_at);

CREATE TABLE journal (
  execution_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  kind TEXT NOT NULL,
  step_no BIGINT,
  attempt BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  data TEXT,
  blob BYTES,
  PRIMARY KEY (execution_id, seq)
) STRICT, WITHOUT ROWID;

-- Values drawn by steps (time, random): the same at every attempt.
CREATE TABLE step_values (
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (execution_id, step_no, name)
) STRICT, WITHOUT ROWID;

-- state: 0 intent, 1 receipt, 2 void.
CREATE TABLE effects (
  effect_key TEXT PRIMARY KEY,
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  intent TEXT NOT NULL,
  intent_at BIGINT NOT NULL,
  receipt TEXT,
  receipt_at BIGINT,
  state BIGINT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_effect_step ON effects(execution_id, step_no);

CREATE TABLE findings (
  id BIGINT PRIMARY KEY,
  finding_id TEXT NOT NULL UNIQUE,
  project_id BIGINT NOT NULL REFERENCES projects(id),
  repo_id BIGINT NOT NULL,  -- 0: none.
  task_id BIGINT,
  execution_id BIGINT NOT NULL,  -- The latest that reported it.
  fingerprint TEXT NOT NULL,
  rule TEXT NOT NULL,
  severity TEXT NOT NULL,
  rank REAL NOT NULL,
  body JSON NOT NULL,
  state TEXT NOT NULL,
  assignee TEXT,
  first_seen BIGINT NOT NULL,
  last_seen BIGINT NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_finding_fingerprint ON findings(project_id, repo_id, fingerprint);
CREATE INDEX idx_finding_state ON findings(project_id, state, severity);

-- Which executions reported it, and what they said then.
CREATE TABLE finding_sightings (
  execution_id BIGINT NOT NULL,
  finding BIGINT NOT NULL REFERENCES findings(id) ON DELETE CASCADE,
  step_no BIGINT NOT NULL,
  PRIMARY KEY (execution_id, finding)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_sighting_finding ON finding_sightings(finding);
