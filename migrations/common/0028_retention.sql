-- What was removed because it was too old, and when (wrench store retain). Kind 'look': when somebody looked last.
CREATE TABLE retention (
  kind TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  removed BIGINT NOT NULL,  -- By the last turn.
  total BIGINT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_memory_superseded ON memory_items(valid_to) WHERE valid_to IS NOT NULL;

-- Who still needs a plan. Those of deleted executions are looked at by way of purge_queue (kind 2).
CREATE INDEX idx_execution_plan ON task_executions(plan_hash);
