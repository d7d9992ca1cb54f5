// Sessions of one run on a machine. One at a time lives: the run's lock is that of its process. So when another one begins, those
// before it have died, and it takes over what the last one has kept.

import type { MachineSession } from "./machine-session.ts";
import type { SessionPool } from "./session-pool.ts";

export class OtherSessions {
  readonly #all: () => readonly MachineSession[];

  /** @param all on this machine, without the one that asks */
  constructor(all: () => readonly MachineSession[]) {
    this.#all = all;
  }

  #of(origin: string): readonly MachineSession[] {
    return this.#all().filter((session) => session.origin === origin);
  }

  /** Whether there is one that can be taken over. Those that cannot are ended. */
  has(origin: string, likeness: string): boolean {
    const others = this.#of(origin);
    const like = others.filter((session) => session.isLike(likeness));
    for (const session of others) if (!like.includes(session)) session.end("replaced");
    return like.length > 0;
  }

  /** Ends them. @returns what is taken over */
  take(origin: string, likeness: string): SessionPool | undefined {
    return this.#of(origin)
      .flatMap((session) => session.handOver(likeness) ?? [])
      .at(-1);
  }
}
