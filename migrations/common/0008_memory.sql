-- What agents keep between tasks: items that can be searched, and small blocks. Items that are superseded stay, with the
-- time at which they ceased to hold; forgotten ones leave a tombstone.
CREATE TABLE memories (
  id BIGINT PRIMARY KEY,
  memory_id TEXT NOT NULL UNIQUE,
  agent_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  kind TEXT NOT NULL,
  tags JSON NOT NULL,
  content JSON NOT NULL,
  content_hash BYTES,  -- Of items that are told apart by what they say; NULL for events.
  trust TEXT NOT NULL,
  source_step TEXT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  valid_to BIGINT,
  superseded_by TEXT
) STRICT;
INSERT INTO memories (id, memory_id, agent_id, scope, kind, tags, content, trust, created_at)
SELECT id,
       'mem_' || substr('00000000000000000000000000' || CAST(id AS TEXT), length(CAST(id AS TEXT)) + 1),
       agent_id, scope, kind, '[]', content, 'tool', created_at
FROM memory_items;
DROP TABLE memory_items;
ALTER TABLE memories RENAME TO memory_items;
CREATE INDEX idx_memory_agent_scope ON memory_items(agent_id, scope, id);
CREATE INDEX idx_memory_agent_kind ON memory_items(agent_id, kind, id);
CREATE UNIQUE INDEX idx_memory_content ON memory_items(agent_id, content_hash) WHERE valid_to IS NULL;
CREATE INDEX idx_memory_expiry ON memory_items(expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX idx_memory_short_id ON memory_items(substr(memory_id, length(memory_id) - 5));

CREATE TABLE memory_blocks (
  agent_id TEXT NOT NULL,
  label TEXT NOT NULL,
  value TEXT NOT NULL,
  version BIGINT NOT NULL,
  read_only BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  PRIMARY KEY (agent_id, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE memory_tombstones (
  memory_id TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL,
  forgotten_at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
