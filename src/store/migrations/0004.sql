-- What a person who comes back later asks first, without reading every task.

-- JSON: tasks by status, as of the last commit of the run. NULL: to be counted.
ALTER TABLE pipeline_runs ADD COLUMN counts TEXT;

-- A short task is never in them: it has one row, which is done.
CREATE INDEX pipeloom_failed_tasks ON task_runs (run_id, id) WHERE status = 'error';
CREATE INDEX pipeloom_running_tasks ON task_runs (run_id, id) WHERE status = 'running';
CREATE INDEX pipeloom_logs_by_task ON task_logs (run_id, task_id);
