-- Which item a task works on.

-- JSON text. With `…` at its end, which JSON never has: only the beginning is stored, or was known. NULL: not known, or not
-- to be stored (`--inputs none`).
ALTER TABLE task_runs ADD COLUMN input TEXT;
-- What the author's `label` says of the item. NULL: there is none, and the item is told by its input.
ALTER TABLE task_runs ADD COLUMN label TEXT;
