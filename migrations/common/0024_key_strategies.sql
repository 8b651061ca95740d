-- Steps of a key take turns by sub-key, or take each other's places.
ALTER TABLE limits ADD COLUMN arrivals BIGINT NOT NULL DEFAULT 0; -- Steps that ever wanted the key: the number of the newest.
ALTER TABLE limits ADD COLUMN newest BIGINT NOT NULL DEFAULT 0;   -- The newest that is to wait alone; 0: there was none.
ALTER TABLE limits ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;     -- Of the last sub-key that had its turn.
ALTER TABLE limits ADD COLUMN waiting BIGINT NOT NULL DEFAULT 0;  -- Rows of `parked`.
UPDATE limits SET waiting = (SELECT count(*) FROM parked p WHERE p.key = limits.key);

ALTER TABLE parked ADD COLUMN turn BIGINT NOT NULL DEFAULT 1;       -- In this order; -1: a place is made free for it.
ALTER TABLE parked ADD COLUMN arrived BIGINT NOT NULL DEFAULT 0;    -- Its number among all that wanted the key.
ALTER TABLE parked ADD COLUMN cap BIGINT NOT NULL DEFAULT 1;        -- Fewer than so many must run when it begins.
ALTER TABLE parked ADD COLUMN sub_key TEXT;
ALTER TABLE parked ADD COLUMN superseded BIGINT NOT NULL DEFAULT 0; -- 1: its process was told that its place is gone.
UPDATE parked SET cap = (SELECT l.cap FROM limits l WHERE l.key = parked.key);
DROP INDEX idx_parked;
CREATE INDEX idx_parked ON parked(key, queue, superseded, turn, rank, execution_id, step_no, arrived, cap, sub_key);
CREATE INDEX idx_parked_turn ON parked(key, sub_key, turn) WHERE sub_key IS NOT NULL;

-- Who runs within a key, by age. superseded: as of `parked`.
CREATE TABLE key_holders (
  key TEXT NOT NULL,
  arrived BIGINT NOT NULL,
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  took_place BIGINT NOT NULL,
  superseded BIGINT NOT NULL,
  PRIMARY KEY (key, arrived, execution_id, step_no)
) STRICT, WITHOUT ROWID;
