-- What pipeloom records of its runs, beside the user's own tables. Times are ISO 8601 UTC with milliseconds.

CREATE TABLE pipeline_runs (
  id          INTEGER PRIMARY KEY,
  pipeline    TEXT NOT NULL,
  file        TEXT,               -- the pipeline file, absolute; NULL when the pipeline came as a value
  params      TEXT NOT NULL,      -- JSON
  status      TEXT NOT NULL,      -- running | done | error | cancelled
  tasks_total INTEGER,            -- as far as it is known
  started_at  TEXT NOT NULL,
  finished_at TEXT,
  pid         INTEGER,            -- of the last session of the run
  host        TEXT,
  error       TEXT                -- JSON: why the run as a whole failed
);

-- No index on status, and no foreign key: each costs every finished task, and one writer keeps them right.
CREATE TABLE task_runs (
  run_id      INTEGER NOT NULL,
  id          INTEGER NOT NULL,
  name        TEXT NOT NULL,
  key         TEXT NOT NULL,      -- the task's name and a hash of its inputs
  status      TEXT NOT NULL,      -- queued | running | done | error | cancelled | skipped
  progress    REAL NOT NULL DEFAULT 0,  -- 0..1
  message     TEXT,
  attempt     INTEGER NOT NULL DEFAULT 0,
  cursor      TEXT,               -- JSON: where the next attempt starts
  started_at  TEXT,
  finished_at TEXT,
  result      TEXT,               -- JSON
  error       TEXT,               -- JSON
  PRIMARY KEY (run_id, id)
) WITHOUT ROWID;

CREATE TABLE task_logs (
  run_id  INTEGER NOT NULL,
  task_id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  at      TEXT NOT NULL,
  level   TEXT NOT NULL,          -- debug | info | warn | error
  line    TEXT NOT NULL
);
