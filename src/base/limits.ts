// Limits of this process, as the shell sets them (`ulimit`): which one is reached, and what to do. Only Linux tells them.

import { closeSync, openSync, readFileSync, statSync } from "node:fs";

import { codeOf } from "./system-error.ts";

/** The names in /proc/self/limits. */
type LimitName = "Max address space" | "Max file size" | "Max open files" | "Max processes";

/** The soft limit, in bytes or as a number; undefined if there is none, or it is unknown. */
function softLimit(name: LimitName): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return limitIn(readFileSync("/proc/self/limits", "utf8"), name);
  } catch {
    return undefined;
  }
}

/** @param limits the text of /proc/self/limits */
export function limitIn(limits: string, name: LimitName): number | undefined {
  const line = limits.split("\n").find((each) => each.startsWith(name));
  const [, soft] = /^ +(\d+)/.exec(line?.slice(name.length) ?? "") ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** A file that SQLite extends grows by this much at most, except in large transactions. */
const growthBytes = 64 * 1024;

/** Why one of these files cannot grow, and the next step; undefined if no limit stops them. */
export function fileSizeLimitReached(files: readonly string[]): string | undefined {
  const limit = softLimit("Max file size");
  if (limit === undefined) return undefined;
  const sizes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  if (Math.max(...sizes) + growthBytes <= limit) return undefined;
  return `no file may be larger than ${Math.floor(limit / 1024)} KiB here (ulimit -f); raise that limit, for example with ulimit -f unlimited`;
}

/** Why no file can be opened, and the next step; undefined if files can be opened. */
export function openFilesLimitReached(): string | undefined {
  try {
    closeSync(openSync("/dev/null", "r"));
    return undefined;
  } catch (thrown) {
    return openFilesProblem(codeOf(thrown));
  }
}

/** @param code of a system error */
export function openFilesProblem(code: string | undefined): string | undefined {
  if (code === "ENFILE")
    return "this machine has no more open files left; end the program that has so many";
  if (code !== "EMFILE") return undefined;
  const limit = softLimit("Max open files");
  const many = limit === undefined ? "as many" : `${limit}`;
  return `this process has ${many} files open, and may have no more (ulimit -n); raise that limit, for example with ulimit -n 4096, or let tasks open fewer files at once`;
}
