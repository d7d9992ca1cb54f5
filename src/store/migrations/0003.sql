-- Which code made the results of a run's tasks: a run that is continued runs again what has changed.

-- One row per task definition of a run. Its tasks were ended by this code, except where task_runs.fingerprint is set.
CREATE TABLE pipeloom_definitions (
  run_id      INTEGER NOT NULL,
  name        TEXT NOT NULL,
  fingerprint TEXT NOT NULL,      -- of the code that its tasks can reach; `module:<pipeline_runs.code>` until that is known
  repeats     INTEGER NOT NULL,   -- 1: has inserted rows or emitted messages, or may have: running again does so twice
  PRIMARY KEY (run_id, name)
) WITHOUT ROWID;

-- NULL: that of the definition. Set: that of the earlier code, which ended the task or left a checkpoint; or 'asked'. The task is
-- to run again, from its beginning. 'asked+': with what depends on it. 'done+': it has, and that may still have to.
ALTER TABLE task_runs ADD COLUMN fingerprint TEXT;
