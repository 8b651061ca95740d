-- What a worker offers ("gpu=yes,os=linux"), and queues of steps that require what no live worker offers (PostgreSQL).
ALTER TABLE workers ADD COLUMN labels TEXT NOT NULL DEFAULT '';
CREATE TABLE unserved_queues (
  queue TEXT NOT NULL PRIMARY KEY,
  since BIGINT NOT NULL,
  raised_at BIGINT             -- When it was told of last; null: not yet.
) STRICT, WITHOUT ROWID;
