-- Which item a task works on.

-- JSON text. With `…` at its end, which JSON never has: only the beginning is stored, or was known. NULL: not known, or not
-- to be stored (`--inputs none`).
ALTER TABLE task_runs ADD COLUMN input TEXT;
-- What the author's `label` says of the item. NULL: there is none, and the item is told by its input.
ALTER TABLE task_runs ADD COLUMN label TEXT;

-- What a task has cost.

-- Rows that ctx.insert and ctx.upsert have written, in all attempts, as far as they are committed. NULL: not known (version 4).
ALTER TABLE task_runs ADD COLUMN rows INTEGER;
-- CPU time of the last attempt: of its thread, and of the programs that it started. NULL: not known, because other tasks ran in
-- the thread meanwhile, or because tasks of the definition take less than 1 ms.
ALTER TABLE task_runs ADD COLUMN cpu_ms INTEGER;
-- From the moment when all inputs were there until the first attempt began: the queue for a worker, and for a limit or a rate.
-- Less than 100 ms is 0. NULL: not known.
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

-- Results that later runs take instead of running a task (`reuse`), and why a task ran all the same.

-- `reused from run 12`, or why an earlier result was not taken. NULL: nothing to be said.
ALTER TABLE task_runs ADD COLUMN reason TEXT;
-- JSON: what a result depends on beside code and input: version, files, env and params (keyed hashes), packages.
ALTER TABLE pipeloom_definitions ADD COLUMN parts TEXT;
-- Equal in all runs of the pipeline whose results may be taken for one another. NULL: none may.
ALTER TABLE pipeloom_definitions ADD COLUMN alike INTEGER;
-- JSON: the tables that its tasks have written in this run: { "epochs": { name: pipeloom_tables.epoch }, "never": why their
-- results must not be taken }.
ALTER TABLE pipeloom_definitions ADD COLUMN tables TEXT;
CREATE INDEX pipeloom_definitions_by_name ON pipeloom_definitions (name, run_id);

-- Done tasks of definitions with `reuse`.
CREATE TABLE pipeloom_reusable (
  run_id    INTEGER NOT NULL,
  task_id   INTEGER NOT NULL,
  key       TEXT NOT NULL,        -- task_runs.key
  alike     INTEGER NOT NULL,     -- pipeloom_definitions.alike of the code that made the result
  ended_at  INTEGER NOT NULL,     -- when the task ran, epoch ms
  bytes     INTEGER NOT NULL,     -- of the result
  from_run  INTEGER,              -- the run and the task whose result it is; NULL: it ran itself
  from_task INTEGER,
  PRIMARY KEY (run_id, task_id)
) WITHOUT ROWID;
CREATE INDEX pipeloom_reusable_by_key ON pipeloom_reusable (key, alike, run_id, task_id);

-- Which unit last wrote which of the user's tables. Only in files where a pipeline has used `reuse`.
CREATE TABLE pipeloom_tables (
  name       TEXT PRIMARY KEY,
  epoch      INTEGER NOT NULL,    -- one more each time that something else writes to it than before
  alike      INTEGER,             -- of the definition that wrote last; NULL: another task or program
  definition TEXT,                -- NULL: not a task
  run_id     INTEGER,
  task_id    INTEGER,
  at         TEXT NOT NULL,
  rows       INTEGER              -- how many it had at the end of that run. NULL: not known
) WITHOUT ROWID;

-- The code of fingerprints, so that `why` can show what has changed.
CREATE TABLE pipeloom_sources (
  fingerprint TEXT PRIMARY KEY,
  source      BLOB NOT NULL,      -- gzip
  run_id      INTEGER NOT NULL    -- the last run that used it
) WITHOUT ROWID;

-- How long the tasks of each definition took in a run, for the remaining time and the order of the next runs. Only tasks that
-- ended done count. Written when a session of the run ends: a session that is killed adds nothing.
CREATE TABLE pipeloom_durations (
  run_id   INTEGER NOT NULL,
  task     TEXT NOT NULL,         -- the definition, as in task_runs.key
  tasks    INTEGER NOT NULL,
  total_ms INTEGER NOT NULL,      -- their durations, added up
  counts   TEXT NOT NULL,         -- JSON: pairs of bucket and number of tasks; four buckets for each doubling of the duration
  PRIMARY KEY (run_id, task)
) WITHOUT ROWID;
-- By how much the run's last session took longer than its tasks explain. NULL: not known.
ALTER TABLE pipeline_runs ADD COLUMN stretch REAL;
