-- ruleid: sql.grant-to-everybody
GRANT INSERT, UPDATE ON orders TO PUBLIC;
-- ok: sql.grant-to-everybody
GRANT SELECT ON orders TO PUBLIC;
-- ruleid: sql.grant-on-everything
GRANT ALL PRIVILEGES ON *.* TO 'app'@'10.0.0.1';
-- ok: sql.grant-on-everything
GRANT SELECT, INSERT ON shop.* TO 'app'@'10.0.0.1';
-- ruleid: sql.password-in-statement
CREATE USER app WITH PASSWORD 'kd83hs9dkf';
-- ok: sql.password-in-statement
CREATE USER app WITH PASSWORD '${APP_PASSWORD}';
-- ok: sql.password-in-statement
CREATE USER app WITH PASSWORD :'password';
-- ruleid: sql.account-from-anywhere
GRANT SELECT ON shop.* TO 'app'@'%';
-- ok: sql.account-from-anywhere
GRANT SELECT ON shop.* TO 'app'@'10.0.0.%';
-- ruleid: sql.password-hash-too-quick
SELECT id FROM users WHERE hash = MD5(password);
-- ok: sql.password-hash-too-quick
SELECT MD5(content) FROM files;
-- ruleid: sql.dynamic-statement
EXEC('SELECT * FROM users WHERE name = ' + @name);
-- ok: sql.dynamic-statement
EXEC sp_executesql N'SELECT * FROM users WHERE name = @name', N'@name NVARCHAR(40)', @name;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql
-- ruleid: sql.definer-without-path
SECURITY DEFINER
AS $$ BEGIN
  -- ruleid: sql.dynamic-statement
  EXECUTE 'DROP TABLE ' || name;
  -- ok: sql.dynamic-statement
  EXECUTE 'DROP TABLE ' || quote_ident(name);
END $$;
CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql
-- ok: sql.definer-without-path
SECURITY DEFINER SET search_path = pg_catalog
AS $$ BEGIN END $$;
-- ruleid: sql.shell-from-database
EXEC xp_cmdshell 'dir';
-- ok: sql.shell-from-database
EXEC sp_configure 'xp_cmdshell', 0;
-- ruleid: sql.file-of-the-server
SELECT LOAD_FILE('/etc/passwd');
-- ok: sql.file-of-the-server
LOAD DATA LOCAL INFILE 'x.csv' INTO TABLE users;
-- ruleid: sql.row-security-off
ALTER TABLE orders DISABLE ROW LEVEL SECURITY;
-- ok: sql.row-security-off
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
