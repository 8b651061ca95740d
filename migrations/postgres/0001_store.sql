-- One row for each store that is open for writing. Each flush counts flush_no up first and keeps the row locked to its
-- end, so that whoever lost the answer to a COMMIT can tell what became of it. Rows of dead processes are swept.
CREATE TABLE store_writers (
  writer TEXT PRIMARY KEY,
  flush_no BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
);

-- Rewritten at each flush: room on the page for new versions of the row.
ALTER TABLE store_writers SET (fillfactor = 10);
ALTER TABLE event_clock SET (fillfactor = 10);
