// Loads the pipeline of a command: holds back what the module prints, and masks secrets in it.

import { readFileSync } from "node:fs";

import { captureLines, captureStreams } from "../base/captured-prints.ts";
import { systemClock } from "../base/clock.ts";
import { shownPath } from "../base/path.ts";
import { UserError } from "../cli/user-error.ts";
import { LoadError } from "../module/load-error.ts";
import type { Exports } from "../module/import-file.ts";
import { loadModule, providePackage } from "../module/load-module.ts";
import { Mask, secretNamesIn } from "../protocol/mask.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import type { LogLevel } from "../protocol/status.ts";
import { loadPipeline, type LoadedPipeline } from "../run-pipeline.ts";
import { onUnexpectedExit } from "./unexpected-exit.ts";
import { watchUncaught } from "./uncaught.ts";

/** `etl.ts`, or the name of a built-in pipeline. */
export const nameOf = (module: ModuleRef): string =>
  module.kind === "file" ? shownPath(module.path) : module.name;

/** A mistake in the author's `tasks` or `schema`, with the file if the message does not begin with a place in it. */
export function authorError({ message }: Error, module: ModuleRef): UserError {
  const name = nameOf(module);
  const isPlaced = module.kind === "builtin" || message.startsWith(name);
  return new UserError(isPlaced ? message : `${name}: ${message}`);
}

/**
 * @param heldPrints prints of the module that are not shown yet, for the case that the module ends the process
 * @throws UserError when the module cannot be used
 */
export const loadForCommand = (
  module: ModuleRef,
  heldPrints: readonly string[] = [],
): Promise<LoadedPipeline> => loadedBy(() => loadPipeline(module), module, heldPrints);

/**
 * What the file exports: it may be any number of pipelines.
 * @throws UserError when the file cannot be loaded
 */
export const exportsForCommand = (module: ModuleRef): Promise<Exports> =>
  loadedBy(() => loadModule(module, {}), module, []);

async function loadedBy<Loaded>(
  load: () => Promise<Loaded>,
  module: ModuleRef,
  heldPrints: readonly string[],
): Promise<Loaded> {
  providePackage(await import("../index.ts"));
  using _ = onUnexpectedExit((code) => [
    ...heldPrints,
    `error: ${nameOf(module)} called process.exit(${code}) while loading`,
  ]);
  try {
    return await load();
  } catch (thrown) {
    const error = maskBeforeLoad(module)?.error(thrown) ?? thrown;
    if (error instanceof LoadError) throw new UserError(error.message);
    throw error;
  }
}

/** For a command whose stdout is data: prints of the module go to stderr. */
export async function withPrintsOnStderr<Result>(work: () => Promise<Result>): Promise<Result> {
  const release = captureStreams({ stdout: (text) => void process.stderr.write(text) });
  try {
    return await work();
  } finally {
    release();
  }
}

/** Holds prints back until the module has declared its secrets, then logs them masked. */
export async function loadHoldingPrints(
  module: ModuleRef,
  log: (level: LogLevel, line: string) => void,
): Promise<LoadedPipeline> {
  const lines: string[] = [];
  const uncaught: string[] = [];
  using _ = watchUncaught((text) => void uncaught.push(text));
  const release = captureLines((line) => void lines.push(line));
  let mask: Mask | undefined;
  const notice = systemClock.after(slowLoadMs, () => log("warn", stillLoading(module)));
  try {
    const loaded = await loadForCommand(module, lines);
    mask = Mask.of(loaded.pipeline.secrets, process.env);
    return loaded;
  } catch (error) {
    mask = maskBeforeLoad(module);
    throw error;
  } finally {
    systemClock.cancel(notice);
    release();
    for (const line of lines) log("info", mask?.text(line) ?? line);
    for (const text of uncaught) log("error", mask?.text(text) ?? text);
  }
}

/** A module that cannot be loaded has not declared its secrets, but the text of the file names them. */
function maskBeforeLoad(module: ModuleRef): Mask | undefined {
  if (module.kind !== "file") return undefined;
  try {
    return Mask.of(secretNamesIn(readFileSync(module.path, "utf8")), process.env);
  } catch {
    // The load error reports that the file cannot be read.
    return undefined;
  }
}

/** Prints are held back, so a module that waits at its top level would show nothing. */
const slowLoadMs = 10_000;

const stillLoading = (module: ModuleRef): string =>
  `${nameOf(module)} is still loading after ${slowLoadMs / 1000} s; does it await something at its top level?`;
