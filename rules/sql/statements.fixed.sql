-- ruleid: sql.deletes-every-row
DELETE FROM users;
-- ok: sql.deletes-every-row
DELETE FROM users WHERE id = 1;
-- ruleid: sql.updates-every-row
UPDATE users SET active = false;
-- ok: sql.updates-every-row
UPDATE users SET active = false WHERE id = 1;
-- ruleid: sql.compares-with-null
SELECT id FROM users WHERE name IS NULL;
-- ruleid: sql.compares-with-null
SELECT id FROM users WHERE name <> null;
-- ok: sql.compares-with-null
SELECT id FROM users WHERE name IS NULL;
-- ok: sql.compares-with-null
UPDATE users SET name = NULL WHERE id = 1;
-- ruleid: sql.not-in-subquery
SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM orders);
-- ok: sql.not-in-subquery
SELECT id FROM users WHERE id NOT IN (1, 2);
-- ruleid: sql.leading-wildcard
SELECT id FROM users WHERE name LIKE '%son';
-- ok: sql.leading-wildcard
SELECT id FROM users WHERE name LIKE 'son%';
-- ruleid: sql.random-order
SELECT id FROM users ORDER BY RANDOM() LIMIT 1;
-- ok: sql.random-order
SELECT id FROM users ORDER BY random_key LIMIT 1;
-- ruleid: sql.inserts-select-star
INSERT INTO archive SELECT * FROM users;
-- ok: sql.inserts-select-star
INSERT INTO archive (id, name) SELECT id, name FROM users;
CREATE TABLE orders (
  -- ruleid: sql.money-as-float
  total_price DOUBLE PRECISION,
  -- ok: sql.money-as-float
  price NUMERIC(12, 2),
  -- ok: sql.money-as-float
  weight REAL
);
-- ruleid: sql.not-null-without-default
ALTER TABLE users ADD COLUMN age INT NOT NULL;
-- ok: sql.not-null-without-default
ALTER TABLE users ADD COLUMN age INT NOT NULL DEFAULT 0;
-- ok: sql.not-null-without-default
ALTER TABLE users ADD COLUMN age INT;
-- ruleid: sql.three-byte-utf8
CREATE TABLE a (id INT) ENGINE=InnoDB DEFAULT CHARSET=utf8;
-- ok: sql.three-byte-utf8
CREATE TABLE a (id INT) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
-- ruleid: sql.dirty-read
SELECT id FROM users WITH (NOLOCK);
-- ok: sql.dirty-read
SELECT id FROM users WITH (UPDLOCK);
-- ruleid: sql.drops-what-depends
DROP TABLE users CASCADE;
-- ok: sql.drops-what-depends
DROP TABLE users;
-- ok: sql.drops-what-depends
CREATE TABLE b (id INT REFERENCES users ON DELETE CASCADE);
