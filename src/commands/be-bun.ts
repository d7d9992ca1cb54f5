// The executable contains the whole Bun runtime: with BUN_BE_BUN=1 it is `bun`, with its package manager, test runner and
// type checker. From source the executable is bun anyway.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { writeModules } from "../kit/modules.ts";
import { toFailure } from "../base/failure.ts";
import { Promise } from "../base/globals.ts";
import { UserError } from "../cli/user-error.ts";
import { exitCodeOf } from "./run-signals.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

type BunOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Passes on what it prints, to a file descriptor. Default: it writes to the terminal itself. */
  readonly pipe?: (stream: ReadableStream<Uint8Array>, fd: number) => Promise<void>;
};

/** Runs `bun …args` on this terminal. @returns its exit code, 128 + n after signal n */
export async function runBun(
  args: readonly string[],
  { cwd = process.cwd(), env, pipe }: BunOptions = {},
): Promise<number> {
  const output = pipe === undefined ? "inherit" : "pipe";
  const child = Bun.spawn([process.execPath, ...args], {
    cwd,
    env: { ...process.env, ...env, BUN_BE_BUN: "1" },
    stdio: ["inherit", output, output],
  });
  // A terminal sends SIGINT to both processes, so the child has it already. Other signals are passed on.
  const pass = (signal: NodeJS.Signals): void => {
    if (signal !== "SIGINT") child.kill(signal);
  };
  for (const signal of signals) process.on(signal, pass);
  try {
    const { stdout, stderr } = child;
    await Promise.all([
      child.exited,
      stdout && pipe?.(stdout, process.stdout.fd),
      stderr && pipe?.(stderr, process.stderr.fd),
    ]);
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
  const { exitCode, signalCode } = child;
  return exitCode ?? (signalCode === null ? 1 : exitCodeOf(signalCode));
}

/** The nearest folder at or above `start` with a package.json, else with a tsconfig.json, else `start`. */
export function projectFolder(start: string): string {
  const named = (name: string): string | undefined => nearestWith(name, resolve(start));
  return named("package.json") ?? named("tsconfig.json") ?? resolve(start);
}

function nearestWith(name: string, folder: string): string | undefined {
  if (existsSync(join(folder, name))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : nearestWith(name, parent);
}

/**
 * Writes the package `pipeloom` and Bun's types into node_modules: `bun` itself does not provide them. Packages that the
 * user installed stay.
 * @returns the names of the packages that were written
 */
export async function provideModules(folder: string): Promise<string[]> {
  const { loadKit } = await import("../kit/load-kit.ts");
  const { modules } = await loadKit();
  try {
    return writeModules(folder, modules);
  } catch (error) {
    throw new UserError(
      `cannot write ${join(folder, "node_modules")}: ${toFailure(error).message}`,
    );
  }
}
