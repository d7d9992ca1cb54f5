// `ctx.state` of one attempt. `set` is an item of the unit; `get` reads what the attempt has set and not committed, else the file.

import { JSON, Promise } from "../base/globals.ts";
import type { TaskState } from "../api/context.ts";
import { describeValue } from "../base/describe-value.ts";
import { flawOfName } from "../protocol/sql-name.ts";
import type { Attempt } from "./attempt.ts";
import { storedText } from "./stored-text.ts";

const getSql = "SELECT value FROM pipeloom_state WHERE pipeline = ? AND key = ?";

export class AttemptState implements TaskState {
  readonly #attempt: Attempt;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  // Authors take `ctx` apart, so its functions must not need their `this`.
  readonly get = <Value>(key: string): Promise<Value | undefined> =>
    Promise.try(() => {
      const text = this.#textOf(key);
      return text === undefined ? undefined : (JSON.parse(text) as Value);
    });

  readonly set = (key: string, value: unknown): Promise<void> => {
    const attempt = this.#attempt;
    return attempt.send("ctx.state.set", (sends) => {
      this.#check("ctx.state.set", key);
      const { mask } = attempt.deps;
      storedText(key, "key", "ctx.state.set: the key", "keys", mask);
      if (value === undefined) {
        throw new TypeError(
          `ctx.state.set: the value of ${JSON.stringify(key)} is undefined; values are JSON: pass null where there is none`,
        );
      }
      const text = storedText(value, "value", `state ${JSON.stringify(key)}`, "values", mask);
      attempt.queries("ctx.state");
      return sends.setState(key, text, attempt.now());
    });
  };

  #textOf(key: string): string | undefined {
    const attempt = this.#attempt;
    if (attempt.isEnded) throw attempt.refuse("ctx.state.get");
    this.#check("ctx.state.get", key);
    attempt.queries("ctx.state");
    const own = attempt.stateOf(key);
    if (own !== undefined) return own;
    const [row] = attempt.deps.query(getSql, [attempt.deps.run.pipeline, key]);
    return (row as { readonly value: string } | undefined)?.value;
  }

  #check(call: string, key: unknown): void {
    const wrong = wrongKey(key);
    if (wrong !== undefined) {
      throw new TypeError(
        `${call}: the key is ${wrong}; pass a string of one or more whole characters`,
      );
    }
    if (this.#attempt.deps.hasOwnTables) return;
    throw new Error(
      `${call}: this run stores nothing about itself (--no-store-task-status), so the file has no place for the state of a pipeline; run it without that option, or keep the value in a table of your own`,
    );
  }
}

/** What a key is that cannot be one; undefined for any other. */
function wrongKey(key: unknown): string | undefined {
  if (typeof key !== "string") return describeValue(key);
  if (key === "") return "empty";
  const flaw = flawOfName(key);
  return flaw === undefined ? undefined : `a string with ${flaw}`;
}
