-- What `serve` and `schedule pause` keep of pipelines that have a schedule.

CREATE TABLE pipeloom_schedules (
  pipeline TEXT PRIMARY KEY,
  rule     TEXT NOT NULL,         -- JSON: cron or every, and the time zone
  since    TEXT NOT NULL,         -- slots up to it never run: the rule was first seen then, or the schedule resumed
  paused   TEXT,                  -- when. NULL: it is not paused
  failures INTEGER,               -- failed slots in a row that have paused it. NULL: a person has
  stopped  TEXT NOT NULL DEFAULT '[]', -- JSON: slots whose runs serve has cancelled at its own end; the next serve continues them
  trouble  TEXT                   -- JSON: what was told last that is not over (src/protocol/served-schedule.ts). NULL: nothing
) WITHOUT ROWID;
-- serve asks often which runs go on, in files with many runs.
CREATE INDEX pipeloom_running_runs ON pipeline_runs (pipeline) WHERE status = 'running';
