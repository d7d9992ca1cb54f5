// Tags that tasks ask for and no machine has: such tasks wait, and that is said. Pure.

import { plural } from "../../base/text.ts";
import { type TagSet, tagsIn } from "../../protocol/tags.ts";

type Tagged = { mayRun(on: TagSet): boolean };

/** Ticks for which they have waited when it is said. */
const saidTicks = 3;

export class MissingTags {
  readonly #asked: readonly TagSet[];
  readonly #ticks = new Map<TagSet, number>();
  /** Sets whose tags no machine has. */
  sets: readonly TagSet[];

  /** @param asked what the tasks of the run ask for */
  constructor(asked: readonly TagSet[]) {
    this.#asked = asked;
    this.sets = asked;
  }

  /** @param machines that take leases */
  look(machines: () => Iterable<Tagged>): void {
    if (this.#asked.length === 0) return;
    const there = [...machines()];
    this.sets = this.#asked.filter((on) => !there.some((machine) => machine.mayRun(on)));
  }

  /** To be called once a second. Lines to say: again where the tags were there meanwhile. */
  tick(waiting: (on: TagSet) => number): string[] {
    return this.#asked.flatMap((on) => {
      const tasks = this.sets.includes(on) ? waiting(on) : 0;
      const ticks = tasks === 0 ? 0 : (this.#ticks.get(on) ?? 0) + 1;
      this.#ticks.set(on, ticks);
      return ticks === saidTicks ? [missing(on, tasks)] : [];
    });
  }
}

function missing(on: TagSet, tasks: number): string {
  const tags = tagsIn(on);
  const which = `${tags.length === 1 ? "the tag" : "the tags"} ${tags.join(" and ")}`;
  return `${plural(tasks, "ready task")} ${tasks === 1 ? "waits" : "wait"} for a worker with ${which}, and none is there: pipeloom worker --engine <url> --worker-tags ${on}`;
}
