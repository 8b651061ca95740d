INSERT INTO purge_queue (kind, id, public_id)
SELECT 2, -row_number() OVER (ORDER BY plan_hash), lower(hex(plan_hash)) FROM plans p
WHERE NOT EXISTS (SELECT 1 FROM task_executions x WHERE x.plan_hash = p.plan_hash);
