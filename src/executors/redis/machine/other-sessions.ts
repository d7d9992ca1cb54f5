// Sessions of one run on a machine. One at a time lives: the run's lock is that of its process. So when another one begins, those
// before it have died, and it takes over what the last one has kept.

import type { MachineSession } from "./machine-session.ts";
import type { SessionPool } from "./session-pool.ts";

/** Runs that are remembered. */
const mostDied = 1_000;

export class OtherSessions {
  readonly #all: () => readonly MachineSession[];
  /** Origins of runs whose last session here has died and left nothing. */
  readonly #died = new Set<string>();

  /** @param all on this machine */
  constructor(all: () => readonly MachineSession[]) {
    this.#all = all;
  }

  died(origin: string | undefined): void {
    if (origin !== undefined) this.#died.add(origin);
    const [oldest] = this.#died;
    if (this.#died.size > mostDied && oldest !== undefined) this.#died.delete(oldest);
  }

  #of(asking: MachineSession): readonly MachineSession[] {
    return this.#all().filter((other) => other !== asking && other.origin === asking.origin);
  }

  /** Whether the machine has worked for the session before. */
  wasHere(asking: MachineSession): boolean {
    const { origin = "" } = asking;
    return this.#died.delete(origin) || this.#of(asking).length > 0;
  }

  /** Ends those that cannot be taken over. @returns whether one can */
  endUnlike(asking: MachineSession, likeness: string): boolean {
    const others = this.#of(asking);
    const like = others.filter((session) => session.isLike(likeness));
    for (const session of others) if (!like.includes(session)) session.end("replaced");
    return like.length > 0;
  }

  /** Ends them. @returns what is taken over */
  take(asking: MachineSession, likeness: string): SessionPool | undefined {
    return this.#of(asking)
      .flatMap((session) => session.handOver(likeness) ?? [])
      .at(-1);
  }
}
