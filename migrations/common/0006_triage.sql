-- What people decided about findings. Decisions are appended; undone_at marks one that was taken back.
CREATE TABLE finding_triage (
  id BIGINT PRIMARY KEY,
  finding BIGINT NOT NULL REFERENCES findings(id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  until_at BIGINT,     -- From then on it doesn't hold.
  basis JSON NOT NULL, -- What of the finding it was made on.
  move_fingerprint TEXT NOT NULL,
  origin TEXT,         -- The finding that it was taken over from, when that moved or was merged.
  previous BIGINT,     -- The decision that stood before: what undoing goes back to.
  undone_at BIGINT,
  undone_by TEXT
) STRICT;
CREATE INDEX idx_triage_finding ON finding_triage(finding, id);

-- The execution of the latest review.
ALTER TABLE repositories ADD COLUMN latest_review BIGINT;

-- The decision that stands, if any.
ALTER TABLE findings ADD COLUMN triage BIGINT;
CREATE INDEX idx_finding_dismissed ON findings(project_id, repo_id) WHERE triage IS NOT NULL;
CREATE INDEX idx_finding_page ON findings(project_id, state, rank, id);
CREATE INDEX idx_finding_short_id ON findings(substr(finding_id, length(finding_id) - 5));
CREATE INDEX idx_finding_short_fingerprint ON findings(substr(fingerprint, length(fingerprint) - 5));
