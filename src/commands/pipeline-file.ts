// The pipeline file that a command line names.

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

import { shownPath } from "../base/path.ts";
import { UsageError } from "../cli/usage-error.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import { pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { fileRef } from "../run-pipeline.ts";

const initHint = "to make a pipeline file: pipeloom init";

/**
 * @param text `etl.ts`, or `etl.ts:name` for a named export
 * @param hint where there is no such file
 * @throws UsageError for what cannot be a pipeline file: nothing, a folder, a device, a CSV file
 */
export function pipelineFile(text: string, hint = initHint): Extract<ModuleRef, { kind: "file" }> {
  const module = fileRef(text);
  const shown = shownPath(module.path);
  const found = statSync(module.path, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`${shown}: no such file`, hint);
  if (found.isDirectory()) {
    const own = join(module.path, "pipeline.ts");
    throw new UsageError(
      `${shown} is a folder; name the pipeline file in it`,
      existsSync(own) ? `this one: ${pipeloomCommand("run", shownPath(own))}` : initHint,
    );
  }
  if (!found.isFile()) {
    throw new UsageError(`${shown} is a pipe or a device, and a pipeline is a file`, initHint);
  }
  if (/\.(?:csv|tsv)(?:\.gz)?$/i.test(shown)) {
    const load = pipeloomCommand("csv", shown);
    throw new UsageError(`${shown} is data, not a pipeline`, `to load it into a table: ${load}`);
  }
  return module;
}
