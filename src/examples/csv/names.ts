import { foldCase } from "../../base/fold-case.ts";

/** A map by column name that folds case as SQLite does: `ID` equals `id`, but `Φ` differs from `φ`. */
export class ByName<Thing> {
  readonly #things = new Map<string, Thing>();

  constructor(entries: Iterable<readonly [name: string, thing: Thing]> = []) {
    for (const [name, thing] of entries) this.set(name, thing);
  }

  get(name: string): Thing | undefined {
    return this.#things.get(foldCase(name));
  }

  set(name: string, thing: Thing): void {
    this.#things.set(foldCase(name), thing);
  }

  values(): Iterable<Thing> {
    return this.#things.values();
  }
}
