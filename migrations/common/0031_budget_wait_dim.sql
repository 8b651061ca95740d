-- The dimension that a step waits for; '' of one that began to wait before this was kept, which any dimension wakes.
ALTER TABLE budget_waits ADD COLUMN dim TEXT NOT NULL DEFAULT '';
