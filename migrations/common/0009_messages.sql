-- Mail between agents, people and tasks. Each receiver numbers what it gets; whoever sends to it changes its row of
-- mailboxes, so that the numbers are in the order of the commits.
CREATE TABLE mailboxes (
  receiver TEXT PRIMARY KEY,
  last_seq BIGINT NOT NULL,
  open BIGINT NOT NULL  -- How many messages are.
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  id BIGINT PRIMARY KEY,
  message_id TEXT NOT NULL UNIQUE,
  sender TEXT NOT NULL,
  receiver TEXT NOT NULL,
  seq BIGINT NOT NULL,
  message_type TEXT NOT NULL,
  content JSON NOT NULL,
  reply_to TEXT,
  idem_key TEXT,
  content_hash BYTES NOT NULL,
  execution_id BIGINT,  -- The sender's.
  source_step TEXT,
  state BIGINT NOT NULL,  -- MessageState of messages.hpp.
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  closed_at BIGINT,
  closed_by TEXT,
  reason TEXT
) STRICT;
CREATE UNIQUE INDEX idx_message_order ON messages(receiver, seq);
CREATE UNIQUE INDEX idx_message_idem ON messages(receiver, sender, idem_key) WHERE idem_key IS NOT NULL;
CREATE INDEX idx_message_open ON messages(receiver, seq) WHERE state = 0;
CREATE INDEX idx_message_dead ON messages(receiver, seq) WHERE state = 2;
CREATE INDEX idx_message_execution ON messages(execution_id, id) WHERE execution_id IS NOT NULL;
CREATE INDEX idx_message_expiry ON messages(expires_at) WHERE state = 0;
CREATE INDEX idx_message_closed ON messages(closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX idx_message_short_id ON messages(substr(message_id, length(message_id) - 5));

-- How far somebody has handled what a receiver got: seq of the last message. attempts, retry_at: of the next one.
CREATE TABLE subscriptions (
  receiver TEXT NOT NULL,
  subscriber TEXT NOT NULL,
  cursor BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  retry_at BIGINT NOT NULL,
  PRIMARY KEY (receiver, subscriber)
) STRICT, WITHOUT ROWID;
