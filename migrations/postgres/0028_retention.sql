INSERT INTO purge_queue (kind, id, public_id)
SELECT 2, -row_number() OVER (ORDER BY plan_hash), encode(plan_hash, 'hex') FROM plans p
WHERE NOT EXISTS (SELECT 1 FROM task_executions x WHERE x.plan_hash = p.plan_hash);

-- Nothing refers to plans by a foreign key here (0021): whoever deletes some waits for those that are making tasks of them,
-- and has others wait.
CREATE FUNCTION lock_plans() RETURNS BIGINT LANGUAGE plpgsql AS
'BEGIN LOCK TABLE plans IN SHARE ROW EXCLUSIVE MODE; RETURN 1; END';
