// Gives each task its id, and finds what an earlier session of a resumed run knew about it.

import { taskId } from "../protocol/ids.ts";
import type { Mask } from "../protocol/mask.ts";
import type { RestoredTask } from "../protocol/messages.ts";
import { taskKey } from "../protocol/task-key.ts";
import { resultText, type TaskVertex } from "../plan/vertex.ts";
import { needsOf } from "../plan/needed-vertices.ts";
import { fill } from "../plan/template.ts";
import { RestoredTasks, type TakenTask, type Which } from "./restored-tasks.ts";

type Ready = { readonly vertex: TaskVertex; readonly text: string; readonly key: string };

export class Identities {
  readonly restored = new RestoredTasks();
  readonly #mask: Mask | undefined;
  readonly #again: (vertex: TaskVertex, wasCounted: boolean) => void;
  #nextId = 1;
  readonly #outdated = new WeakSet<TaskVertex>();
  /** Tasks that an earlier session has begun and not ended: when. */
  readonly #begunBefore = new Map<TaskVertex, number>();
  #unlike: ReadonlySet<string> = new Set();
  /** The input of a long fan-in is put together once. */
  #lastReady: Ready | undefined;

  /** @param again records a task that runs again because it depends on one that does */
  constructor(mask: Mask | undefined, again: (vertex: TaskVertex, wasCounted: boolean) => void) {
    this.#mask = mask;
    this.#again = again;
  }

  /** To be called when all restored tasks are known: new ids follow theirs. */
  begin(): void {
    this.#nextId = this.restored.maxId + 1;
    this.#unlike = this.restored.unlike();
  }

  /** The key of a task that is ready and not identified. */
  readyKey(vertex: TaskVertex): string {
    return this.#ready(vertex).key;
  }

  #ready(vertex: TaskVertex): Ready {
    if (this.#lastReady?.vertex === vertex) return this.#lastReady;
    const { input, definition } = vertex;
    if (input === undefined) throw new Error("Internal error: a task is identified twice");
    const text = fill(input, resultText);
    return (this.#lastReady = { vertex, text, key: this.keyOf(definition.name, text) });
  }

  /** Whether it matters which of the earlier tasks of this key the task at this position is, or whether it is one of them at all. */
  isUnsure(key: string, position: number): boolean {
    return this.isUnlike(key) || this.restored.isElsewhere(key, position);
  }

  /** Its earlier tasks have different results, or are not all done. */
  isUnlike(key: string): boolean {
    return this.#unlike.has(key);
  }

  /** For a task that is recorded without its input: it may have an id already. */
  ensureId(vertex: TaskVertex): void {
    if (vertex.id === 0) vertex.id = taskId(this.#nextId++);
  }

  /**
   * Once, when the task's input is complete: gives it its input text and its id, and the attempt, the interruptions and
   * the cursor that it had in an earlier session.
   * @param which of the earlier tasks of its key it is; undefined: the first, if there is one; null: none, it is new
   */
  identify(vertex: TaskVertex, which?: Which | null): RestoredTask | undefined {
    vertex.needs = needsOf(vertex);
    const known = this.#take(vertex, which);
    vertex.input = undefined;
    vertex.after = undefined;
    if (known === undefined) this.ensureId(vertex);
    else vertex.id = known.id;
    vertex.attempt = known?.attempt ?? 0;
    vertex.interruptions = known?.interruptions ?? 0;
    vertex.cursor = known?.cursor ?? undefined;
    if (known?.isOutdated === true) this.#outdated.add(vertex);
    else if (known?.startedAt !== undefined && !vertex.isAgain)
      this.#begunBefore.set(vertex, known.startedAt);
    if (known?.passesOn === true) vertex.isAgain = true;
    else if (vertex.isAgain) this.#again(vertex, known?.wasCounted === true);
    return known;
  }

  /** Gives the task its input text. */
  #take(vertex: TaskVertex, which: Which | null | undefined): TakenTask | undefined {
    if (vertex.input === undefined) throw new Error("Internal error: a task is identified twice");
    if (this.restored.isEmpty) {
      vertex.inputText = fill(vertex.input, resultText);
      return undefined;
    }
    const { text, key } = this.#ready(vertex);
    this.#lastReady = undefined;
    vertex.inputText = text;
    return this.restored.take(key, vertex.optional, vertex.isAgain, which);
  }

  /** Once, for its first attempt of this session: see Assignment. */
  takeBegunBefore(vertex: TaskVertex): number | undefined {
    if (this.#begunBefore.size === 0) return undefined;
    const at = this.#begunBefore.get(vertex);
    this.#begunBefore.delete(vertex);
    return at;
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
