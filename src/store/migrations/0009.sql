-- Where tasks ran.

-- Of the run's last session: `threads` of its process, or the address of its engine, without user and password. NULL: not known
-- (version 8).
ALTER TABLE pipeline_runs ADD COLUMN engine TEXT;
-- Which machine ran the last attempt: pipeloom_machines.id. NULL: the one that ran the session itself, or none.
ALTER TABLE task_runs ADD COLUMN machine INTEGER;
ALTER TABLE task_attempts ADD COLUMN machine INTEGER;

-- The machines that have run tasks of a run. A number for each task instead of a name. None of a run without an engine.
CREATE TABLE pipeloom_machines (
  run_id INTEGER NOT NULL,
  id     INTEGER NOT NULL,        -- 1, 2, 3 … of the run
  name   TEXT NOT NULL,           -- its host, with a number where several workers have run there
  PRIMARY KEY (run_id, id)
) WITHOUT ROWID;
