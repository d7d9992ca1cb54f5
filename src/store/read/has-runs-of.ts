// Whether a file is a database with runs of a pipeline.

import { openReader } from "./reader.ts";

/** False for what cannot be read as one. */
export function hasRunsOf(path: string, pipeline: string): boolean {
  try {
    using reader = openReader(path);
    const found = reader.query("SELECT 1 FROM pipeline_runs WHERE pipeline = ? LIMIT 1", [
      pipeline,
    ]);
    return found.length > 0;
  } catch {
    return false;
  }
}
