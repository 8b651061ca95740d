-- What every store has: who it is, which migrations it had, the event log, and content addressed by hash.
-- BIGINT, BYTES and JSON are type words of the migration runner; see src/storage/README.md.

CREATE TABLE store_meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE schema_migrations (
  version BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  applied_at BIGINT NOT NULL,
  duration_us BIGINT NOT NULL
) STRICT;

-- project_id has no foreign key: events outlive what they tell of.
CREATE TABLE events (
  seq BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  type TEXT NOT NULL,
  project_id BIGINT NOT NULL,
  task_id BIGINT,
  subject_kind TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  actor TEXT NOT NULL,
  version BIGINT NOT NULL,
  payload TEXT NOT NULL,
  trace_id TEXT
) STRICT;
CREATE INDEX idx_event_task ON events(task_id, seq) WHERE task_id IS NOT NULL;
CREATE INDEX idx_event_project ON events(project_id, seq);

-- One row. next: seq of the next event; pruned: highest seq that was deleted; last_at: no later flush may be earlier.
CREATE TABLE event_clock (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  next BIGINT NOT NULL,
  pruned BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  epoch BIGINT NOT NULL
) STRICT;
INSERT INTO event_clock (id, next, pruned, last_at, epoch) VALUES (1, 1, 0, 0, 1);

-- A durable reader's place in the log.
CREATE TABLE cursors (
  reader TEXT PRIMARY KEY,
  epoch BIGINT NOT NULL,
  seq BIGINT NOT NULL
) STRICT, WITHOUT ROWID;

-- codec: 0 plain, 1 zstd.
CREATE TABLE blobs (
  hash BYTES PRIMARY KEY CHECK (length(hash) = 32),
  size BIGINT NOT NULL,
  codec BIGINT NOT NULL,
  stored_at BIGINT NOT NULL,
  body BYTES NOT NULL
) STRICT;

CREATE TABLE blob_refs (
  hash BYTES NOT NULL REFERENCES blobs(hash),
  owner_kind TEXT NOT NULL,
  owner_id BIGINT NOT NULL,
  PRIMARY KEY (hash, owner_kind, owner_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_blob_owner ON blob_refs(owner_kind, owner_id);
