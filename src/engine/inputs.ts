// The inputs of tasks as they are stored and shown. The text of a large one is in the vertex: only its beginning is copied.

import { needsOf } from "../plan/needed-vertices.ts";
import type { Template } from "../plan/template.ts";
import type { TaskVertex, Vertex } from "../plan/vertex.ts";
import type { Mask } from "../protocol/mask.ts";
import {
  cutMark,
  type InputMode,
  inputLimit,
  maxShortInput,
  storedInput,
} from "../protocol/stored-input.ts";
import type { PlannedItem } from "../protocol/planned-item.ts";

export class Inputs {
  readonly #mask: Mask | undefined;
  /** The most characters that are stored, here and by the workers. */
  readonly stored: number;
  readonly #shown: number;

  constructor(mode: InputMode, storesTasks: boolean, mask: Mask | undefined) {
    this.#mask = mask;
    this.stored = storesTasks ? inputLimit(mode) : 0;
    this.#shown = mode === "none" ? 0 : maxShortInput;
  }

  /** For an event of a task that is identified. The hot path: takes the text as it is, unless it is long. */
  shown({ inputText }: Pick<TaskVertex, "inputText">): string | undefined {
    return storedInput(inputText, this.#shown, this.#mask);
  }

  /** For a record of main. The task has an id. A task that is not identified may have an input with holes. */
  recorded(vertex: TaskVertex): PlannedItem {
    const { id, position, input, inputText, label } = vertex;
    const text = input === undefined ? inputText : knownOf(input);
    const needs = vertex.needs ?? needsOf(vertex);
    const item = { input: storedInput(text, this.stored, this.#mask), label, needs };
    return position === id ? item : { ...item, position };
  }
}

/** The text up to the first hole. */
function knownOf(input: Template<Vertex>): string {
  if (typeof input === "string") return input;
  const [first] = input;
  return typeof first === "string" ? first + cutMark : "";
}
