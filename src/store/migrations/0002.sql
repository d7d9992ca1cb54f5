-- What tells two runs, two processes and two versions of the code apart.

-- `<salt>:<HMAC-SHA-256 of the canonical params, keyed with the salt>`, both in hex. The params column is masked, so it
-- cannot tell two secrets apart. NULL: the run began under version 1.
ALTER TABLE pipeline_runs ADD COLUMN params_hash TEXT;

-- When the process `pid` started, as its system says it (not ISO 8601): only to be compared. With a pid that is used
-- again it differs. NULL where the system does not say.
ALTER TABLE pipeline_runs ADD COLUMN process_started_at TEXT;

-- SHA-256 of the pipeline's own files. NULL when it is not known.
ALTER TABLE pipeline_runs ADD COLUMN code TEXT;
