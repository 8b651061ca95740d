-- ruleid: statement
delete from users;
-- ok: statement
DELETE FROM users WHERE id = 1;
-- ruleid: expression
SELECT id FROM users WHERE name = null;
-- ok: expression
SELECT id FROM users WHERE name IS NULL;
SELECT id FROM users
-- ruleid: call
ORDER BY RAND();
SELECT id FROM users
-- ok: call
ORDER BY id;
