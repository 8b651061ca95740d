-- PostgreSQL: rank of the newest step, or task to be begun, of each flow that waits in a queue behind others.
CREATE TABLE queue_tails (
  queue TEXT NOT NULL,         -- Slot class, or "start".
  project_id BIGINT NOT NULL,
  priority TEXT NOT NULL,
  tail BIGINT NOT NULL,
  PRIMARY KEY (queue, project_id, priority)
) STRICT, WITHOUT ROWID;
