-- What steps say while they run. Of each step only what its latest run said.
CREATE TABLE streams (
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  epoch BIGINT NOT NULL,    -- Of the run.
  attempt BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  left_out BIGINT NOT NULL, -- Bytes beyond what a stream may have.
  drop_at BIGINT NOT NULL,  -- From then on it may go, if its step has ended.
  PRIMARY KEY (execution_id, step_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_stream_drop ON streams(drop_at);

CREATE TABLE stream_chunks (
  execution_id BIGINT NOT NULL,
  step_no BIGINT NOT NULL,
  at BIGINT NOT NULL,  -- Bytes before it.
  body TEXT NOT NULL,
  PRIMARY KEY (execution_id, step_no, at)
) STRICT, WITHOUT ROWID;
