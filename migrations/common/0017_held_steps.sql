-- Steps that wait for a person: given up (state 10), or with an effect that nobody knows of (11).
CREATE INDEX idx_step_held ON steps(execution_id, step_no) WHERE state >= 10;
CREATE INDEX idx_execution_held ON task_executions(id) WHERE steps_held > 0;
