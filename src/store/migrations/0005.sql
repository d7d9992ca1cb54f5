-- Which item a task works on.

-- JSON text. With `…` at its end, which JSON never has: only the beginning is stored, or was known. NULL: not known, or not
-- to be stored (`--inputs none`).
ALTER TABLE task_runs ADD COLUMN input TEXT;
-- What the author's `label` says of the item. NULL: there is none, and the item is told by its input.
ALTER TABLE task_runs ADD COLUMN label TEXT;

-- What a task has cost.

-- Rows that ctx.insert and ctx.upsert have written, in all attempts, as far as they are committed. NULL: not known (version 4).
ALTER TABLE task_runs ADD COLUMN rows INTEGER;
-- CPU time of the last attempt, and of the programs that it started. NULL: too short to be measured, or other tasks of the
-- thread ran meanwhile.
ALTER TABLE task_runs ADD COLUMN cpu_ms INTEGER;
-- From the moment when all inputs were there until the first attempt began: the queue for a worker, and for a limit or a rate.
ALTER TABLE task_runs ADD COLUMN waited_ms INTEGER;

-- Attempts that are over and were followed by another, or are to be. The last one is in task_runs: a task that ends at its first
-- attempt has no row here.
CREATE TABLE task_attempts (
  run_id      INTEGER NOT NULL,
  task_id     INTEGER NOT NULL,
  attempt     INTEGER NOT NULL,   -- an attempt after an interruption by the run's death has the same number again
  worker      INTEGER,            -- NULL: not known
  started_at  TEXT,
  finished_at TEXT,               -- NULL: not known, it ended with its process
  outcome     TEXT NOT NULL,      -- error | interrupted | cancelled | done
  error       TEXT                -- JSON
);
CREATE INDEX pipeloom_attempts_by_task ON task_attempts (run_id, task_id);

-- Who began the last session of the run: cli | library (to come: schedule | page | backfill).
ALTER TABLE pipeline_runs ADD COLUMN trigger TEXT;
-- The version of pipeloom that ran it.
ALTER TABLE pipeline_runs ADD COLUMN version TEXT;
