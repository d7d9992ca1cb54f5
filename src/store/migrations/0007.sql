-- Which time of its schedule a run is for.

-- The slot, ISO 8601 UTC with milliseconds. NULL: the run is for none. A slot of a pipeline has one run.
ALTER TABLE pipeline_runs ADD COLUMN scheduled_for TEXT;
-- The last slot before it whose run was done when this one began. NULL: there was none, or no slot.
ALTER TABLE pipeline_runs ADD COLUMN previous_slot TEXT;
CREATE UNIQUE INDEX pipeloom_slots ON pipeline_runs (pipeline, scheduled_for) WHERE scheduled_for IS NOT NULL;
