-- Of approvals with edits: SHA-256 of what was approved, as subject_hash is of what was shown.
ALTER TABLE waits ADD COLUMN edited_hash BYTES;
