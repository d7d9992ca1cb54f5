// The reaper process: ends the programs when this process is gone, however it died (SIGKILL, a crash, out of memory). It is a
// shell, started with the first program, that reads a pipe which ends with this process (program-reaper.sh). On Windows the
// system ends a process's children with it.

import { Descriptors } from "../../base/libc.ts";
import { processStartedAt } from "../../base/process-identity.ts";
import { markName, markOf } from "../../base/process-mark.ts";
import { codeOf } from "../../base/system-error.ts";
import type { Reaper } from "../../protocol/shared/reaper-pipe.ts";
import type { ProgramEntry, Programs } from "../../protocol/shared/programs.ts";
import script from "./program-reaper.sh" with { type: "text" };

const shell = "/bin/sh";

/** The reaper's command line is in the list of processes: without comments it is short. */
const commands = script.replaceAll(/^\s*#.*\n/gm, "").trim();

/** Restarts of a reaper that somebody has killed. The next programs try again. */
const maxRestarts = 3;

export class ProgramReaper {
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
   * @param warn called once if programs cannot be reaped
   * @throws RangeError when there are too many programs
   */
  enter(workerId: number, warn: (line: string) => void): ProgramEntry {
    const entry = this.#programs.enter(workerId);
    if (process.platform === "win32") return entry;
    if (!this.#programs.reaper.isOpen) this.#open();
    if (this.#failure !== undefined) warn(this.#failure);
    this.#failure = undefined;
    return {
      started: (pid) => {
        entry.started(pid);
        if (this.#programs.reaper.tell(`+${pid}`)) return;
        this.#open();
        this.#programs.reaper.tell(`+${pid}`);
      },
      ended: () => entry.ended(),
    };
  }

  #open(): void {
    this.#programs.reaper.open((lost) => {
      try {
        return this.#start(lost);
      } catch (thrown) {
        this.#failure = `if pipeloom is killed, its programs run on: ${shell}, which would end them, cannot be started (${codeOf(thrown) ?? String(thrown)})`;
        return undefined;
      }
    });
  }

  /** @param lost see ReaperPipe.open */
  #start(lost: number | undefined): Reaper {
    const descriptors = Descriptors.open();
    if (descriptors === undefined) throw new Error("there is no C library");
    const { read, write } = descriptors.pipe();
    let reaper: Bun.Subprocess;
    try {
      reaper = spawnReaper(read, this.#mark);
    } catch (thrown) {
      descriptors.close(write);
      throw thrown;
    } finally {
      descriptors.close(read);
    }
    const { pid, exited } = reaper;
    // The reaper before this one knew them.
    for (const program of this.#programs.running()) descriptors.writeAll(write, `+${program}\n`);
    void exited.then(() => this.#restart());
    if (lost === undefined) return { fd: write, pid };
    descriptors.move(lost, write);
    return { fd: lost, pid };
  }

  /** Somebody has killed the reaper, and its programs run on. */
  #restart(): void {
    if (this.#restarts === maxRestarts || this.#programs.running().length === 0) return;
    this.#restarts++;
    this.#open();
  }
}

function spawnReaper(stdin: number, mark: string | undefined): Bun.Subprocess {
  const entry = mark === undefined ? "" : `${markName}=${mark}`;
  const reaper = Bun.spawn([shell, "-c", commands, "pipeloom-reaper", entry], {
    stdio: [stdin, "ignore", "ignore"],
    cwd: "/",
    // No secret, and not the mark of an outer pipeloom, which would end this reaper before it has done its work.
    env: { PATH: `${process.env["PATH"] ?? ""}:/usr/bin:/bin` },
    // Ctrl-C and a closed terminal do not reach a session of its own.
    detached: true,
  });
  reaper.unref();
  return reaper;
}

/** Elsewhere than on Linux nobody could look for it. */
function ownMark(): string | undefined {
  if (process.platform !== "linux") return undefined;
  const startedAt = processStartedAt(process.pid);
  return startedAt === undefined ? undefined : markOf(process.pid, startedAt);
}
