// Asks the questions that the flags do not answer, in order. Escape goes back one question.

import type { Answers, Draft } from "./answers.ts";
import type { Prompts } from "./prompts.ts";
import { type Question, questions, type InitIo } from "./questions.ts";

type Step = { readonly index: number; readonly before: Draft };

export class Interview {
  readonly #prompts: Prompts;
  readonly #io: InitIo;
  readonly #steps: Step[] = [];
  #index = 0;
  readonly #given: Draft;
  #draft: Draft;
  /** All answers ever given. A question asked again starts with its previous answer. */
  #remembered: Draft = {};

  constructor(prompts: Prompts, io: InitIo, given: Draft) {
    this.#prompts = prompts;
    this.#io = io;
    this.#given = given;
    this.#draft = given;
  }

  /** Asks the remaining questions. Undefined when the person quits. */
  async finish(): Promise<Draft | undefined> {
    for (;;) {
      const question = questions[this.#index];
      if (question === undefined) return this.#draft;
      if (!(await this.#step(question))) return undefined;
    }
  }

  /** Returns to the question asked last. False when there is none. */
  back(): boolean {
    const step = this.#steps.pop();
    if (step === undefined) return false;
    this.#index = step.index;
    this.#draft = step.before;
    return true;
  }

  /** Asks this question again as if for the first time, and keeps the other answers. False where the answer was given in advance. */
  again(key: keyof Answers): boolean {
    if (this.#given[key] !== undefined) return false;
    this.#draft = without(this.#draft, key);
    this.#remembered = without(this.#remembered, key);
    this.#steps.length = 0;
    this.#index = 0;
    return true;
  }

  /** False when the person quits. */
  async #step(question: Question): Promise<boolean> {
    const open = this.#draft[question.key] === undefined;
    if (!open || !question.applies(this.#draft, this.#io)) {
      this.#index++;
      return true;
    }
    const asked = await question.ask(this.#prompts, this.#io, this.#remembered);
    if (asked.kind === "quit") return false;
    if (asked.kind === "back") return this.back();
    this.#steps.push({ index: this.#index, before: this.#draft });
    this.#draft = { ...this.#draft, ...asked.value };
    this.#remembered = { ...this.#remembered, ...asked.value };
    this.#index++;
    return true;
  }
}

function without(draft: Draft, key: keyof Answers): Draft {
  const { [key]: _, ...others } = draft;
  return others;
}
