// Gives each task its id, and finds what an earlier session of a resumed run knew about it.

import { taskId, type TaskId } from "../protocol/ids.ts";
import type { Mask } from "../protocol/mask.ts";
import type { RestoredTask } from "../protocol/messages.ts";
import { taskKey } from "../protocol/task-key.ts";
import { resultText, type TaskVertex } from "../plan/vertex.ts";
import { needsOf } from "../plan/needed-vertices.ts";
import { fill } from "../plan/template.ts";
import { RestoredTasks } from "./restored-tasks.ts";

export class Identities {
  readonly restored = new RestoredTasks();
  readonly #mask: Mask | undefined;
  readonly #again: (vertex: TaskVertex) => void;
  #nextId = 1;
  readonly #outdated = new WeakSet<TaskVertex>();
  #unlike: ReadonlySet<string> = new Set();

  /** @param again records a task that runs again because it depends on one that does */
  constructor(mask: Mask | undefined, again: (vertex: TaskVertex) => void) {
    this.#mask = mask;
    this.#again = again;
  }

  /** To be called when all restored tasks are known: new ids follow theirs. */
  begin(): void {
    this.#nextId = this.restored.maxId + 1;
    this.#unlike = this.restored.unlike();
  }

  /**
   * The key of a task that is ready, where earlier sessions had several tasks of this key that are not alike. Undefined where
   * any of them will do.
   */
  unlikeKey({ definition, input }: TaskVertex): string | undefined {
    if (this.#unlike.size === 0 || input === undefined) return undefined;
    const key = this.keyOf(definition.name, fill(input, resultText));
    return this.#unlike.has(key) ? key : undefined;
  }

  /** For a task that is recorded without its input: it may have an id already. */
  ensureId(vertex: TaskVertex): void {
    if (vertex.id === 0) vertex.id = taskId(this.#nextId++);
  }

  /**
   * Once, when the task's input is complete: gives it its input text and its id, and the attempt and the cursor that it
   * had in an earlier session.
   * @param id which of the done tasks of its key it is; undefined: the first
   */
  identify(vertex: TaskVertex, id?: TaskId): RestoredTask | undefined {
    if (vertex.input === undefined) throw new Error("Internal error: a task is identified twice");
    vertex.needs = needsOf(vertex);
    vertex.inputText = fill(vertex.input, resultText);
    vertex.input = undefined;
    vertex.after = undefined;
    const known = this.restored.isEmpty
      ? undefined
      : this.restored.take(
          this.keyOf(vertex.definition.name, vertex.inputText),
          vertex.optional,
          vertex.isAgain,
          id,
        );
    if (known === undefined) this.ensureId(vertex);
    else vertex.id = known.id;
    vertex.attempt = known?.attempt ?? 0;
    vertex.cursor = known?.cursor ?? undefined;
    if (known?.isOutdated === true) this.#outdated.add(vertex);
    if (known?.passesOn === true) vertex.isAgain = true;
    else if (vertex.isAgain) this.#again(vertex);
    return known;
  }

  /** The task is to run again. Its row, with the result of the earlier code, stays until it begins. */
  isOutdated(vertex: TaskVertex): boolean {
    return this.#outdated.has(vertex);
  }

  /** As it is in the file. */
  keyOf(name: string, inputText: string): string {
    const key = taskKey(name, inputText);
    return this.#mask?.text(key) ?? key;
  }
}
