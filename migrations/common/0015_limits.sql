-- How many steps of one key run at once, and how often one may begin. A key begins with what it limits: "c:" or "r:".
CREATE TABLE limits (
  key TEXT NOT NULL PRIMARY KEY,
  in_use BIGINT NOT NULL,
  cap BIGINT NOT NULL,
  period_us BIGINT NOT NULL,   -- Between two beginnings, on average.
  burst BIGINT NOT NULL,
  arrival_at BIGINT NOT NULL,  -- The theoretical arrival time of GCRA (ITU-T I.371): when all that began is paid for.
  refill_at BIGINT             -- When somebody looks after what is parked; null: nobody has to.
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_limit_refill ON limits(refill_at) WHERE refill_at IS NOT NULL;

-- Ready steps whose key is used up; `queue` and `rank` are those of the row in `ready` that takes their place.
CREATE TABLE parked (
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  key TEXT NOT NULL,
  queue TEXT NOT NULL,
  rank BIGINT NOT NULL,
  PRIMARY KEY (execution_id, step_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_parked ON parked(key, queue, rank, execution_id, step_no);

-- What its limits came to when they were evaluated (JSON).
ALTER TABLE steps ADD COLUMN limits TEXT;
