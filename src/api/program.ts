// What `sh` asks of the Worker that runs the task. worker/programs implements it.

import type { TaskContext } from "./context.ts";

/** The program could not be started, or failed. `code`: its exit code, or the signal that ended it. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export type ProgramOptions = {
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
  /** The task's result is made from its standard output, so the output is kept (16 MB at most). */
  readonly keep: boolean;
  /** The file that its standard output goes to. It is not kept then, and no part of the log. */
  readonly file: string | undefined;
};

export type KeptOutput = {
  /**
   * All of the output, unaltered.
   * @throws TypeError when it is not UTF-8
   */
  text(): string;
};

/**
 * Runs a program to its end.
 * @param use makes the task's result from the standard output; an error that it throws is the task's failure
 * @throws CommandError; Error for a `file` that cannot be written
 */
export type RunProgram = <Result>(
  options: ProgramOptions,
  ctx: TaskContext,
  use: (stdout: KeptOutput) => Result,
) => Promise<Result>;
