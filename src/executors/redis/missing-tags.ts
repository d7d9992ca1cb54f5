// Tags that tasks ask for and no machine has: such tasks wait, and that is said. Pure.

import { plural } from "../../base/text.ts";
import { type TagSet, tagsIn, tagWords } from "../../protocol/tags.ts";

type Tagged = { mayRun(on: TagSet): boolean };

/** Ticks for which they have waited when it is said. */
const saidTicks = 3;

export class MissingTags {
  /** What the tasks of the run ask for, and for how many ticks they have waited. */
  readonly #asked = new Map<TagSet, number>();
  /** Sets whose tags no machine has. */
  sets: readonly TagSet[] = [];

  get asked(): readonly TagSet[] {
    return [...this.#asked.keys()];
  }

  /** @returns whether that is new */
  ask(on: TagSet): boolean {
    if (this.#asked.has(on)) return false;
    this.#asked.set(on, 0);
    this.sets = [...this.sets, on];
    return true;
  }

  /** @param machines that take leases */
  look(machines: () => Iterable<Tagged>): void {
    if (this.#asked.size === 0) return;
    const there = [...machines()];
    this.sets = this.asked.filter((on) => !there.some((machine) => machine.mayRun(on)));
  }

  /** To be called once a second. Lines to say: again where the tags were there meanwhile. */
  tick(waiting: (on: TagSet) => number): string[] {
    return [...this.#asked].flatMap(([on, before]) => {
      const tasks = this.sets.includes(on) ? waiting(on) : 0;
      const ticks = tasks === 0 ? 0 : before + 1;
      this.#asked.set(on, ticks);
      return ticks === saidTicks ? [missing(on, tasks)] : [];
    });
  }
}

function missing(on: TagSet, tasks: number): string {
  const which = tagWords(tagsIn(on));
  return `${plural(tasks, "ready task")} ${tasks === 1 ? "waits" : "wait"} for a worker with ${which}, and none is there: pipeloom worker --engine <url> --worker-tags ${on}`;
}
