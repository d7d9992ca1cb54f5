// Clack's prompts on given streams, where Escape goes back. Clack does not distinguish Escape from Ctrl-C, so this class
// listens to the keys too.

import type { Readable, Writable } from "node:stream";

import {
  cancel,
  type CANCEL_SYMBOL,
  confirm,
  intro,
  isCancel,
  log,
  note,
  outro,
  select,
  text,
} from "@clack/prompts";

import { AbortController } from "../../base/globals.ts";
import { TrackedOutput } from "./tracked-output.ts";

export type Asked<Value> =
  | { readonly kind: "answer"; readonly value: Value }
  | { readonly kind: "back" }
  /** Ctrl-C, Ctrl-D, or the end of the input. */
  | { readonly kind: "quit" };

type Key = { readonly name?: string; readonly ctrl?: boolean };
type Choice<Value> = { readonly value: Value; readonly label: string; readonly hint?: string };

export class Prompts implements Disposable {
  readonly #input: Readable;
  readonly #output: TrackedOutput;
  /** The rows in which the prompts begin that Escape goes back over. */
  #begins: number[] = [];
  /** Where the text before the next prompt begins, if there is any. */
  #noted: number | undefined;
  readonly #ended = new AbortController();
  #escaped = false;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = new TrackedOutput(output);
    input.on("keypress", this.#onKey);
    input.on("end", this.#onEnd);
  }

  [Symbol.dispose](): void {
    this.#input.off("keypress", this.#onKey);
    this.#input.off("end", this.#onEnd);
    this.#output.destroy();
  }

  readonly #onKey = (_: string | undefined, key: Key): void => {
    this.#escaped = key.name === "escape";
    // readline stops reading at Ctrl-D, and a prompt would wait for ever.
    if (key.ctrl === true && key.name === "d") this.#onEnd();
  };

  readonly #onEnd = (): void => this.#ended.abort();

  get #common(): { input: Readable; output: Writable; signal: AbortSignal } {
    return { input: this.#input, output: this.#output, signal: this.#ended.signal };
  }

  /** @param problem what is wrong with the typed text, or with the default when nothing is typed */
  async text(
    message: string,
    initial: string,
    problem: (value: string) => string | undefined,
  ): Promise<Asked<string>> {
    this.#begin();
    const answer = await text({
      ...this.#common,
      message,
      placeholder: initial,
      defaultValue: initial,
      validate: (value) => problem(value === undefined || value === "" ? initial : value),
    });
    return this.#asked(answer);
  }

  async select<Value extends string>(
    message: string,
    choices: readonly Choice<Value>[],
    initial?: Value,
  ): Promise<Asked<Value>> {
    const options: Parameters<typeof select<string>>[0]["options"] = choices.map((choice) => ({
      ...choice,
    }));
    this.#begin();
    const answer = await select<string>({
      ...this.#common,
      message,
      options,
      ...(initial === undefined ? {} : { initialValue: initial }),
    });
    const chosen = choices.find(({ value }) => value === answer);
    return chosen === undefined ? this.#backOrQuit() : { kind: "answer", value: chosen.value };
  }

  async confirm(message: string, initial: boolean): Promise<Asked<boolean>> {
    this.#begin();
    return this.#asked(await confirm({ ...this.#common, message, initialValue: initial }));
  }

  #asked<Value>(answer: Value | typeof CANCEL_SYMBOL): Asked<Value> {
    return isCancel(answer) ? this.#backOrQuit() : { kind: "answer", value: answer };
  }

  #backOrQuit(): { readonly kind: "back" | "quit" } {
    if (!this.#escaped || this.#ended.signal.aborted) return { kind: "quit" };
    this.#eraseTwo();
    return { kind: "back" };
  }

  #begin(): void {
    this.#begins.push(this.#noted ?? this.#output.row);
    this.#noted = undefined;
  }

  /** This prompt, and the one before, which is asked again: its answer counts no longer. */
  #eraseTwo(): void {
    this.#begins.pop();
    const begin = this.#begins.pop();
    if (begin !== undefined) this.#output.eraseFrom(begin);
  }

  intro(title: string): void {
    intro(title, { output: this.#output });
  }

  /** Said before the next prompt; going back does not go over it. */
  problem(message: string): void {
    log.error(message, { output: this.#output });
    this.#begins = [];
    this.#noted = undefined;
  }

  success(message: string): void {
    log.message(message, { output: this.#output, symbol: "✔" });
  }

  note(message: string, title: string): void {
    this.#noted ??= this.#output.row;
    note(message, title, { output: this.#output, format: (line) => line });
  }

  outro(message: string): void {
    outro(message, { output: this.#output });
  }

  cancelled(message: string): void {
    cancel(message, { output: this.#output });
  }
}
