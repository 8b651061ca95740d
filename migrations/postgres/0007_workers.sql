-- What a lost worker ran. worker_boot is set while a step runs.
CREATE INDEX idx_step_worker ON steps(worker_boot, execution_id, step_no) WHERE worker_boot IS NOT NULL;
ALTER TABLE workers SET (fillfactor = 10);
ALTER TABLE steps SET (fillfactor = 70);
ALTER TABLE ready SET (fillfactor = 70);
