// Calls the `label` of task definitions. The author's function is not to hurt the run: what it throws, or returns instead of
// text, is said once, and one that is slow is not called any more. The task is then shown by its input.

import type { AnyTaskDefinition } from "../api/task-definition.ts";
import type { Clock } from "../base/clock.ts";
import { describeValue } from "../base/describe-value.ts";
import { toFailure } from "../base/failure.ts";
import { JSON, Promise } from "../base/globals.ts";
import { ownLabel } from "../protocol/label.ts";
import type { Mask } from "../protocol/mask.ts";
import { maskedStart } from "../protocol/stored-input.ts";

/** Characters of a label that are looked at: more than are stored, because secrets in it become shorter. */
const maxRead = 1000;
/** What a definition's labels may take: this much for each call, and this much besides. */
const perCallMs = 1;
const besidesMs = 200;

type LabelsDeps = {
  readonly clock: Clock;
  readonly mask: Mask | undefined;
  /** Says why a definition's tasks have no label. The first time counts. */
  say(task: string, line: string): void;
};

type Labelled = { label(input: unknown): unknown };

export class Labels {
  readonly #deps: LabelsDeps;
  /** By definition: how long its labels have taken beyond what they may. */
  readonly #excessMs = new Map<string, number>();

  constructor(deps: LabelsDeps) {
    this.#deps = deps;
  }

  /** @param input JSON text; undefined for none. The function gets a value of its own: it may change it */
  of(definition: AnyTaskDefinition, input: string | undefined): string | undefined {
    const { name } = definition;
    const before = this.#excessMs.get(name) ?? 0;
    if (definition.label === undefined || before > besidesMs) return undefined;
    const { clock } = this.#deps;
    const began = clock.now();
    const label = this.#call(definition as unknown as Labelled, name, input);
    const excess = Math.max(0, before + clock.now() - began - perCallMs);
    this.#excessMs.set(name, excess);
    if (excess > besidesMs) {
      this.#say(name, `is slow, and is not called any more`);
    }
    return label;
  }

  #call(definition: Labelled, name: string, input: string | undefined): string | undefined {
    const { mask } = this.#deps;
    try {
      const label = definition.label(input === undefined ? undefined : JSON.parse(input));
      if (typeof label === "string") return ownLabel(maskedStart(label, maxRead, mask));
      ignoreRejection(label);
      this.#say(name, `returned ${describeValue(label)}, not text`);
    } catch (thrown) {
      this.#say(name, `failed: ${toFailure(thrown).message}`);
    }
    return undefined;
  }

  #say(name: string, what: string): void {
    const line = `the \`label\` of task "${name}" ${what}; such tasks are shown by their inputs`;
    this.#deps.say(name, line);
  }
}

/** An async function's promise may reject, and the task is not to fail by that. */
function ignoreRejection(label: unknown): void {
  if (label instanceof Promise) label.catch(() => {});
}
