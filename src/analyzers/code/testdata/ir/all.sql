-- Statements and expressions.
CREATE TABLE users (
  id BIGINT PRIMARY KEY,
  name VARCHAR(40) NOT NULL
);
SELECT u.id, COUNT(*) AS n FROM users u
WHERE u.name LIKE '%x' AND (u.id = 3 OR u.age IS NULL) AND NOT u.gone
ORDER BY n DESC LIMIT 10;
insert into users (id, name) values (1, 'a');
UPDATE "Users" SET name = 'b' WHERE id IN (1, 2);
DELETE FROM users;
DROP TABLE users;
