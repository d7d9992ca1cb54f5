// Asks what the flags leave open, one question after another, and back again.

import type { Draft } from "./answers.ts";
import type { Prompts } from "./prompts.ts";
import { type Question, questions, type Surroundings } from "./questions.ts";

type Step = { readonly index: number; readonly before: Draft };

export class Interview {
  readonly #prompts: Prompts;
  readonly #around: Surroundings;
  readonly #steps: Step[] = [];
  #index = 0;
  #draft: Draft;
  /** All that was ever answered: who goes back finds their own words. */
  #remembered: Draft = {};

  constructor(prompts: Prompts, around: Surroundings, given: Draft) {
    this.#prompts = prompts;
    this.#around = around;
    this.#draft = given;
  }

  /** Asks from where it stands to the end. Undefined when the person left. */
  async finish(): Promise<Draft | undefined> {
    for (;;) {
      const question = questions[this.#index];
      if (question === undefined) return this.#draft;
      if (!(await this.#step(question))) return undefined;
    }
  }

  /** Stands again at the question asked last. False when there is none. */
  back(): boolean {
    const step = this.#steps.pop();
    if (step === undefined) return false;
    this.#index = step.index;
    this.#draft = step.before;
    return true;
  }

  /** False when the person left. */
  async #step(question: Question): Promise<boolean> {
    const open = this.#draft[question.key] === undefined;
    if (!open || !question.applies(this.#draft, this.#around)) {
      this.#index++;
      return true;
    }
    const asked = await question.ask(this.#prompts, this.#around, this.#remembered);
    if (asked.kind === "quit") return false;
    if (asked.kind === "back") return this.back();
    this.#steps.push({ index: this.#index, before: this.#draft });
    this.#draft = { ...this.#draft, ...asked.value };
    this.#remembered = { ...this.#remembered, ...asked.value };
    this.#index++;
    return true;
  }
}
