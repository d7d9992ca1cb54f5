// Clack's prompts on given streams, where Escape goes back. Clack does not distinguish Escape from Ctrl-C, so this class
// listens to the keys too.

import type { Readable, Writable } from "node:stream";

import {
  cancel,
  type CANCEL_SYMBOL,
  confirm,
  intro,
  isCancel,
  note,
  outro,
  select,
  text,
} from "@clack/prompts";

import { AbortController } from "../../base/globals.ts";

export type Asked<Value> =
  | { readonly kind: "answer"; readonly value: Value }
  | { readonly kind: "back" }
  /** Ctrl-C, Ctrl-D, or the end of the input. */
  | { readonly kind: "quit" };

type Key = { readonly name?: string; readonly ctrl?: boolean };
type Choice<Value> = { readonly value: Value; readonly label: string; readonly hint?: string };

export class Prompts implements Disposable {
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #ended = new AbortController();
  #escaped = false;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
    input.on("keypress", this.#onKey);
    input.on("end", this.#onEnd);
  }

  [Symbol.dispose](): void {
    this.#input.off("keypress", this.#onKey);
    this.#input.off("end", this.#onEnd);
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
    return this.#asked(await confirm({ ...this.#common, message, initialValue: initial }));
  }

  #asked<Value>(answer: Value | typeof CANCEL_SYMBOL): Asked<Value> {
    return isCancel(answer) ? this.#backOrQuit() : { kind: "answer", value: answer };
  }

  #backOrQuit(): { readonly kind: "back" | "quit" } {
    return { kind: this.#escaped && !this.#ended.signal.aborted ? "back" : "quit" };
  }

  intro(title: string): void {
    intro(title, { output: this.#output });
  }

  note(message: string, title: string): void {
    note(message, title, { output: this.#output, format: (line) => line });
  }

  outro(message: string): void {
    outro(message, { output: this.#output });
  }

  cancelled(message: string): void {
    cancel(message, { output: this.#output });
  }
}
