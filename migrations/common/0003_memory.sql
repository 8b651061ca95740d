-- What agents keep between tasks (src/agents).
CREATE TABLE memory_items (
  id BIGINT PRIMARY KEY,
  agent_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  kind TEXT NOT NULL,
  content JSON NOT NULL,
  created_at BIGINT NOT NULL
) STRICT;
CREATE INDEX idx_memory_agent_scope ON memory_items(agent_id, scope, id);
