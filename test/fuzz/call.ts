// The executable on odd input: an answer or a clear error.

import { executable } from "../support/program.ts";

const hangMs = 60_000;

export type Ended = {
  readonly command: string;
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
};

export function call(folder: string, ...args: readonly string[]): Ended {
  const { exitCode, stdout, stderr } = Bun.spawnSync([executable, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1" },
    stdout: "pipe",
    stderr: "pipe",
    timeout: hangMs,
  });
  return {
    command: args.join(" "),
    code: exitCode,
    out: stdout.toString(),
    err: stderr.toString(),
  };
}

/** Traces of an error that nobody expected. */
const unexpected =
  /Internal error|\bat .*(?:\$bunfs|\/src\/)|(?<!caused by: )SQLiteError|panic|this\.#/;

export function expectAnswer({ command, code, out, err }: Ended): void {
  // A task may log whatever there is, such as its own globals.
  const said = err.replaceAll(/^ℹ .*$/gm, "");
  if ([0, 1, 2].includes(code ?? -1) && !unexpected.test(said)) return;
  throw new Error(`${command}: exit ${code}\n${out}${err}`);
}
