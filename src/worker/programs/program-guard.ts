// The guard process: ends the programs when this process is gone, however it died (SIGKILL, a crash, out of memory). It is a
// shell, started with the first program, that reads a pipe which ends with this process (program-guard.sh). On Windows the
// system ends a process's children with it.

import { Descriptors } from "../../base/libc.ts";
import { processStartedAt } from "../../base/process-identity.ts";
import { markName, markOf } from "../../base/process-mark.ts";
import { codeOf } from "../../base/system-error.ts";
import type { Guard } from "../../protocol/shared/guard-pipe.ts";
import type { ProgramEntry, Programs } from "../../protocol/shared/programs.ts";
import script from "./program-guard.sh" with { type: "text" };

const shell = "/bin/sh";

/** The guard's command line is in the list of processes: without comments it is short. */
const commands = script.replaceAll(/^\s*#.*\n/gm, "").trim();

/** Restarts of a guard that somebody has killed. The next programs try again. */
const maxRestarts = 3;

export class ProgramGuard {
  readonly #programs: Programs;
  readonly #mark = ownMark();
  #restarts = 0;
  #failure: string | undefined;

  constructor(programs: Programs) {
    this.#programs = programs;
  }

  /** Environment variables of each program. */
  get env(): Readonly<Record<string, string>> {
    return this.#mark === undefined ? {} : { [markName]: this.#mark };
  }

  /**
   * Reserves an entry for a program that is about to start.
   * @param warn called once if programs cannot be guarded
   * @throws RangeError when there are too many programs
   */
  enter(workerId: number, warn: (line: string) => void): ProgramEntry {
    const entry = this.#programs.enter(workerId);
    if (process.platform === "win32") return entry;
    if (!this.#programs.guard.isOpen) this.#open();
    if (this.#failure !== undefined) warn(this.#failure);
    this.#failure = undefined;
    return {
      started: (pid) => {
        entry.started(pid);
        if (this.#programs.guard.tell(`+${pid}`)) return;
        this.#open();
        this.#programs.guard.tell(`+${pid}`);
      },
      ended: () => entry.ended(),
    };
  }

  #open(): void {
    this.#programs.guard.open((lost) => {
      try {
        return this.#start(lost);
      } catch (thrown) {
        this.#failure = `if pipeloom is killed, its programs run on: ${shell}, which would end them, cannot be started (${codeOf(thrown) ?? String(thrown)})`;
        return undefined;
      }
    });
  }

  /** @param lost see GuardPipe.open */
  #start(lost: number | undefined): Guard {
    const descriptors = Descriptors.open();
    if (descriptors === undefined) throw new Error("there is no C library");
    const { read, write } = descriptors.pipe();
    let guard: Bun.Subprocess;
    try {
      guard = spawnGuard(read, this.#mark);
    } catch (thrown) {
      descriptors.close(write);
      throw thrown;
    } finally {
      descriptors.close(read);
    }
    const { pid, exited } = guard;
    // The guard before this one knew them.
    for (const program of this.#programs.running()) descriptors.writeAll(write, `+${program}\n`);
    void exited.then(() => this.#restart());
    if (lost === undefined) return { fd: write, pid };
    descriptors.move(lost, write);
    return { fd: lost, pid };
  }

  /** Somebody has killed the guard, and its programs run on. */
  #restart(): void {
    if (this.#restarts === maxRestarts || this.#programs.running().length === 0) return;
    this.#restarts++;
    this.#open();
  }
}

function spawnGuard(stdin: number, mark: string | undefined): Bun.Subprocess {
  const entry = mark === undefined ? "" : `${markName}=${mark}`;
  const guard = Bun.spawn([shell, "-c", commands, "pipeloom-guard", entry], {
    stdio: [stdin, "ignore", "ignore"],
    cwd: "/",
    // No secret, and not the mark of an outer pipeloom, which would end this guard before it has done its work.
    env: { PATH: `${process.env["PATH"] ?? ""}:/usr/bin:/bin` },
    // Ctrl-C and a closed terminal do not reach a session of its own.
    detached: true,
  });
  guard.unref();
  return guard;
}

/** Elsewhere than on Linux nobody could look for it. */
function ownMark(): string | undefined {
  if (process.platform !== "linux") return undefined;
  const startedAt = processStartedAt(process.pid);
  return startedAt === undefined ? undefined : markOf(process.pid, startedAt);
}
