// What was made for those runs that people look at: the one that was used last is the last to go.

/** Of more runs, it is made again. */
const most = 20;

export class Kept<Value> {
  readonly #byKey = new Map<string, Value>();

  /** @param key another one for each other value */
  of(key: string, make: () => Value): Value {
    const value = this.#byKey.has(key) ? (this.#byKey.get(key) as Value) : make();
    this.#byKey.delete(key);
    this.#byKey.set(key, value);
    for (const [oldest] of this.#byKey) if (this.#byKey.size > most) this.#byKey.delete(oldest);
    return value;
  }
}
