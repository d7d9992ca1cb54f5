// What the machine refuses a process: limits of the shell (`ulimit`), which only Linux tells, and full or broken disks.
// None of this is a bug. The words name the limit, and the next step.

import { closeSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";

import { codeOf, reasonOf } from "./system-error.ts";

/** The names in /proc/self/limits. */
type LimitName = "Max address space" | "Max file size" | "Max open files" | "Max processes";

/** A limit of the shell or of a container keeps a run from starting, or a thread. It is no bug, so it has no stack. */
class LimitError extends Error {
  override readonly name = "LimitError";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    delete this.stack;
  }
}

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
  return "this process has too many open files (ulimit -n); raise that limit, for example with ulimit -n 4096, or let tasks open fewer files at once";
}

const nextSteps: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; make room, and start the command again",
  EDQUOT: "the quota is used up; make room, and start the command again",
  EROFS: "the disk is read-only",
  EIO: "check the disk",
  ENOMEM: "the memory is used up; end other programs, or use fewer workers (-w)",
};

/** An error of the machine for a person: the problem and the next step. Undefined for any other error. */
export function environmentProblem(thrown: unknown): string | undefined {
  // By its name: a masked error is a copy.
  if (thrown instanceof Error && thrown.name === "LimitError") return thrown.message;
  const code = codeOf(thrown);
  const next = openFilesProblem(code) ?? nextSteps[code ?? ""];
  return next === undefined ? undefined : `${placeOf(thrown)}${reasonOf(thrown)}: ${next}`;
}

/** A file cannot be copied or moved because of what is wrong at its destination. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("dest" in error && typeof error.dest === "string") return `${error.dest}: `;
  return "path" in error && typeof error.path === "string" ? `${error.path}: ` : "";
}

// ── threads ──

/** The runtime's own threads, the writer's and the watchdog's. With 2 cores, 12 are needed. */
const ownThreads = 13;
/** Measured with the -wal, the -shm and the lock; a worker has a reader too. */
const ownFiles = 28;
const filesPerWorker = 4;
/** Of them, those that are open before any thread is started. */
const filesAtStart = 10;
/** The runtime reserves addresses in powers of two. Below this, some limits work, and others crash it. */
const safeAddressBytes = 4 * 1024 ** 3;
/** Counting all threads of a user takes milliseconds, and a higher limit is hardly ever reached. */
const smallThreadLimit = 1024;

/**
 * To be called before threads are started: where a limit stops the runtime itself, it crashes.
 * @param workers that the run starts for certain
 * @returns a warning about a limit that may stop the run
 * @throws LimitError where a limit stops it for certain
 */
export function checkThreadLimits(workers: number): string | undefined {
  checkOpenFilesLimit(workers);
  checkProcessLimit(workers);
  const addresses = softLimit("Max address space");
  if (addresses === undefined || addresses >= safeAddressBytes) return undefined;
  return `the limit for memory addresses is ${Math.floor(addresses / 1024 ** 2)} MiB (ulimit -v), and below 4096 MiB the runtime may crash; if it does, raise that limit`;
}

function checkOpenFilesLimit(workers: number): void {
  const limit = softLimit("Max open files");
  const needed = ownFiles + filesPerWorker * workers;
  if (limit === undefined) return;
  // As many may be open although nobody here has opened them: the process has inherited them.
  const inherited = Math.max(0, readdirSync("/proc/self/fd").length - filesAtStart);
  if (limit >= needed + inherited) return;
  const taken =
    inherited === 0 ? "" : `; ${inherited} are open already, by the program that started this one`;
  throw new LimitError(
    `a run with ${workersText(workers)} needs ${needed} open files, and may have ${limit} (ulimit -n)${taken}; raise that limit, for example with ulimit -n 4096`,
  );
}

function checkProcessLimit(workers: number): void {
  const limit = softLimit("Max processes");
  const uid = process.getuid?.();
  // The root user has no such limit.
  if (limit === undefined || limit > smallThreadLimit || uid === undefined || uid === 0) return;
  const room = limit - threadsOf(uid);
  const needed = ownThreads + workers - readdirSync("/proc/self/task").length;
  if (room >= needed) return;
  throw new LimitError(
    `a run with ${workersText(workers)} needs ${needed} more threads, and the limit for processes and threads of this user leaves ${Math.max(room, 0)} (ulimit -u ${limit}); raise that limit, or use fewer workers (-w)`,
  );
}

const workersText = (workers: number): string =>
  `${workers} ${workers === 1 ? "worker" : "workers"}`;

function threadsOf(uid: number): number {
  let threads = 0;
  for (const pid of readdirSync("/proc")) {
    if (!/^\d/.test(pid)) continue;
    try {
      if (statSync(`/proc/${pid}`).uid === uid) threads += readdirSync(`/proc/${pid}/task`).length;
    } catch {
      // The process has ended.
    }
  }
  return threads;
}

/** Descriptors of a thread's event loop, and some to spare. */
const filesOfThread = 8;

/**
 * The runtime ends the process without a word where a new thread finds no descriptors.
 * @throws LimitError
 */
export function checkFilesForThread(): void {
  if (process.platform === "win32") return;
  const opened: number[] = [];
  try {
    while (opened.length < filesOfThread) opened.push(openSync("/dev/null", "r"));
  } catch (thrown) {
    const why = openFilesProblem(codeOf(thrown));
    if (why !== undefined) throw new LimitError(`no further thread can be started: ${why}`);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** For a thread that the system refused. */
export function threadLimitError(cause: unknown): LimitError {
  const set = [
    ["ulimit -u", softLimit("Max processes")],
    ["ulimit -v", softLimit("Max address space")],
  ] as const;
  const named = set.flatMap(([name, limit]) =>
    limit === undefined ? [] : [`${name} is ${name === "ulimit -v" ? limit / 1024 : limit}`],
  );
  const which = named.length === 0 ? "" : ` (${named.join(", ")})`;
  return new LimitError(
    `no further thread can be started: a limit for processes, for memory addresses or of the container is reached${which}; raise it, or use fewer workers (-w)`,
    { cause },
  );
}
