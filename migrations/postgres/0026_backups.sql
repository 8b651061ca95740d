-- Backups that workers make, each in a folder of its machine (wrench backup list). A row goes with its file.
CREATE TABLE backups (
  digest TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  folder TEXT NOT NULL,
  bytes BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  verified_at BIGINT,
  verify_us BIGINT,
  age_us BIGINT
);
