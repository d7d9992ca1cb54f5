// Starts a program, and explains why it could not be started.

import { statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

import type { TaskContext } from "../../api/context.ts";
import { CommandError, type ProgramOptions } from "../../api/program.ts";

/** The standard output is a pipe, or a file. */
export type Child = Bun.Subprocess<"ignore", "pipe" | number, "pipe">;

/**
 * @param env added to the environment before the task's own variables
 * @param stdout a pipe, or the descriptor of a file
 * @throws CommandError
 */
export function startProgram(
  options: ProgramOptions,
  ctx: TaskContext,
  env: Readonly<Record<string, string>>,
  stdout: "pipe" | number,
): Child {
  try {
    return spawn(options, ctx, env, stdout);
  } catch (thrown) {
    throw notStarted(String(options.argv[0]), options.cwd, thrown);
  }
}

function spawn(
  { argv, cwd, env }: ProgramOptions,
  ctx: TaskContext,
  added: Readonly<Record<string, string>>,
  stdout: "pipe" | number,
): Child {
  return Bun.spawn([...argv], {
    stdin: "ignore",
    stdout,
    stderr: "pipe",
    // A process group of its own: everything the program starts ends with it, and Ctrl-C reaches it once, from pipeloom.
    detached: process.platform !== "win32",
    env: {
      ...process.env,
      ...added,
      PIPELOOM_RUN: String(ctx.run.id),
      PIPELOOM_TASK: ctx.task.name,
      PIPELOOM_ATTEMPT: String(ctx.attempt),
      ...env,
    },
    ...(cwd === undefined ? undefined : { cwd }),
  });
}

function notStarted(program: string, cwd: string | undefined, thrown: unknown): CommandError {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "unknown";
  const why =
    (cwd === undefined ? undefined : wrongFolder(cwd)) ??
    wrongFile(program, cwd, code) ??
    reasons[code] ??
    (thrown instanceof Error ? thrown.message : String(thrown));
  return new CommandError(`cannot start "${program}": ${why}`, code);
}

/** The system reports a wrong working directory with the same code as a wrong program. */
function wrongFolder(cwd: string): string | undefined {
  const kind = kindOf(cwd);
  if (kind === "folder") return undefined;
  return `its cwd "${cwd}" ${kind === "file" ? "is not a directory" : "does not exist"}`;
}

/** For a program that is given by its path; undefined for one that is searched for in PATH. */
function wrongFile(program: string, cwd: string | undefined, code: string): string | undefined {
  if (!/[/\\]/.test(program)) return undefined;
  const path = isAbsolute(program) ? program : join(cwd ?? process.cwd(), program);
  const kind = kindOf(path);
  if (kind === "folder") return `${path} is a folder; give the path of a program in it`;
  if (code === "EACCES")
    return `${path} is not executable; run chmod +x on it, or start it with its interpreter, as in ["sh", "${program}"]`;
  if (code !== "ENOENT") return undefined;
  return kind === "file"
    ? `${path} exists, but the interpreter in its first line (#!), or its loader, does not`
    : `${path} does not exist; check the path`;
}

function kindOf(path: string): "folder" | "file" | undefined {
  try {
    return statSync(path).isDirectory() ? "folder" : "file";
  } catch {
    return undefined;
  }
}

const reasons: Readonly<Record<string, string | undefined>> = {
  ENOENT: "no such program; check its spelling, its path and PATH",
  EACCES: "it is not executable (chmod +x makes it so)",
  ENOEXEC: "it is neither a program for this machine nor a script with a #! line",
  E2BIG: "its arguments and environment are too long for the system; pass them in a file",
};
