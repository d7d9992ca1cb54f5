import { foldCase } from "../../base/fold-case.ts";

/** Things by the names of columns: to SQLite `ID` and `id` are one, `Φ` and `φ` are two. */
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
