-- What depends on what, where it ran, and which call of the plan it is.

-- JSON: the task definitions and the fan-outs of the run's last session, and the edges between them (src/protocol/run-graph.ts).
-- NULL: not known.
ALTER TABLE pipeline_runs ADD COLUMN graph TEXT;
-- Whose ends the task waited for (src/protocol/needs.ts): `3,5-9` are ids of tasks, `each:1x2y` is a fan-out of the graph. After `;`
-- those that gave it no data. With `…` at its end only the beginning is stored. NULL: nothing, or not known.
ALTER TABLE task_runs ADD COLUMN needs TEXT;
-- Which of the session's workers ran the last attempt: 0, 1, 2 …. NULL: none, or not known.
ALTER TABLE task_runs ADD COLUMN worker INTEGER;
-- The fingerprint in the run's last session with other code: a run that died may be continued after an edit. NULL: there is none.
ALTER TABLE pipeloom_definitions ADD COLUMN earlier TEXT;
-- Where in the plan the task is called (src/plan/positions.ts): a number that is the same in each session of the run. It tells equal
-- calls apart. 0: it is the id. NULL: not known (version 5).
ALTER TABLE task_runs ADD COLUMN position INTEGER;

-- What the tasks of a pipeline keep from run to run (ctx.state).
CREATE TABLE pipeloom_state (
  pipeline TEXT NOT NULL,
  key      TEXT NOT NULL,
  value    TEXT NOT NULL,      -- JSON
  run_id   INTEGER NOT NULL,   -- the task that has set it; a prune may have deleted its row
  task_id  INTEGER NOT NULL,
  at       TEXT NOT NULL,
  PRIMARY KEY (pipeline, key)
) WITHOUT ROWID;
