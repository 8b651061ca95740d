-- On PostgreSQL a worker says every two seconds that it lives. lost_at: others took it for dead; what it wrote from
-- then on doesn't count, and its steps are run by others.
ALTER TABLE workers ADD COLUMN host TEXT;
ALTER TABLE workers ADD COLUMN seen_at BIGINT;
ALTER TABLE workers ADD COLUMN lost_at BIGINT;
