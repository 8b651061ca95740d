-- How the store did, minute by minute for a day and hour by hour for 90 days (wrench store stats).
CREATE TABLE db_samples (
  kind TEXT NOT NULL,
  at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, at)
) STRICT, WITHOUT ROWID;
