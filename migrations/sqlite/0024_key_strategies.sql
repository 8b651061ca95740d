INSERT INTO key_holders (key, arrived, execution_id, step_no, took_place, superseded)
SELECT json_extract(limits, '$.key'), 0, execution_id, step_no, 0, 0 FROM steps
WHERE state = 3 AND worker_boot IS NOT NULL AND limits IS NOT NULL AND json_extract(limits, '$.key') IS NOT NULL;
