// What was read of files, until they change. Files are many, and most of them change once a day.

import { type FileState, fileState } from "./file-state.ts";

export class FileMemo<Value> {
  readonly #mayChange: (value: Value) => boolean;
  readonly #known = new Map<string, { readonly state: string; readonly value: Value }>();

  /** @param mayChange whether the value may change although the file does not: a process that dies changes none */
  constructor(mayChange: (value: Value) => boolean) {
    this.#mayChange = mayChange;
  }

  /** @param key another one for each other value of the file */
  of(path: string, key: string, read: () => Value): Value {
    const name = `${path}\n${key}`;
    const state = fileState(path);
    const known = this.#known.get(name);
    if (known !== undefined && known.state === state.text) return known.value;
    const value = read();
    if (this.#mayBeKept(state, value)) this.#known.set(name, { state: state.text, value });
    else this.#known.delete(name);
    return value;
  }

  #mayBeKept({ isFresh }: FileState, value: Value): boolean {
    return !isFresh && !this.#mayChange(value);
  }
}
