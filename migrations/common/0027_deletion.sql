-- Tasks (kind 1) that were deleted, and their executions (kind 0): rows of what they did that are still to go.
CREATE TABLE purge_queue (
  kind BIGINT NOT NULL,
  id BIGINT NOT NULL,
  public_id TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- The highest numbers of deleted ones. They aren't given again: events, findings and rows that are still to go name them.
CREATE TABLE number_floors (
  kind BIGINT NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO number_floors (kind, number) VALUES (0, 0), (1, 0);
