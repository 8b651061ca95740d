-- When a step was ready first. Timeouts of steps follow from this and from who runs them: they need no rows.
ALTER TABLE steps ADD COLUMN scheduled_at BIGINT;
UPDATE steps SET scheduled_at = (
  SELECT due_at - 86400000000 FROM timers
  WHERE timers.execution_id = steps.execution_id AND timers.step_no = steps.step_no AND timers.kind = 3
) WHERE state < 6 OR state > 9;
DELETE FROM timers WHERE kind BETWEEN 2 AND 5;

-- Small inputs of a task. Larger ones are in the blob that `inputs` names.
ALTER TABLE tasks ADD COLUMN inputs_json TEXT;
