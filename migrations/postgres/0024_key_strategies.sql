INSERT INTO key_holders (key, arrived, execution_id, step_no, took_place, superseded)
SELECT CAST(limits AS json)->>'key', 0, execution_id, step_no, 0, 0 FROM steps
WHERE state = 3 AND worker_boot IS NOT NULL AND limits IS NOT NULL AND CAST(limits AS json)->>'key' IS NOT NULL;
