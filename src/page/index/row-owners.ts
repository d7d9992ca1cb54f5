// Whose a row of a timeline is: a definition's, or a worker's. Workers of several sessions may have one number on several machines.

import type { RunIndex } from "./run-index.ts";
import type { TaskChunk } from "./task-columns.ts";
import type { RowOwner } from "./timeline-row.ts";

/** A worker's number is below 2 ** 15. */
const mostWorkers = 2 ** 16;
/** Of a task whose machine is known and whose worker is not: the last one there. A worker is not stored with each short task. */
const unknownWorker = mostWorkers - 1;

/** The key of a task's row. -1: neither the worker nor its machine is known. */
export type KeyAt = (slot: number) => number;

const workerAt =
  ({ worker, machine }: TaskChunk): KeyAt =>
  (slot) => {
    const number = worker[slot] ?? -1;
    const place = (machine[slot] ?? -1) + 1;
    if (number < 0) return place === 0 ? -1 : place * mostWorkers + unknownWorker;
    return place * mostWorkers + number;
  };

const definitionAt =
  ({ definition }: TaskChunk): KeyAt =>
  (slot) =>
    definition[slot] ?? -1;

export const keysIn = (by: "worker" | "definition"): ((chunk: TaskChunk) => KeyAt) =>
  by === "worker" ? workerAt : definitionAt;

const workerOf = (key: number): number => key % mostWorkers;
const machineOf = (key: number): number => Math.floor(key / mostWorkers) - 1;

/** Workers by machine and number, an unknown one last; definitions as their first tasks were seen. */
export function orderedKeys(
  keys: Iterable<number>,
  by: "worker" | "definition",
  { machines }: RunIndex,
): readonly number[] {
  const nameOf = (key: number): string => machines.get(machineOf(key)) ?? "";
  return [...keys].toSorted((a, b) => {
    if (a < 0 || b < 0) return a < 0 ? 1 : -1;
    if (by === "definition" || machineOf(a) === machineOf(b)) return a - b;
    return byNumber.compare(nameOf(a), nameOf(b)) || a - b;
  });
}

/** `web2` before `web10`. */
const byNumber = new Intl.Collator("en", { numeric: true });

/** @param keys all of the run, in their order */
export function ownersOf(
  keys: readonly number[],
  by: "worker" | "definition",
  { definitions, machines }: RunIndex,
): ReadonlyMap<number, RowOwner> {
  const threads = new Map<number, number>();
  return new Map(
    keys.map((key): [number, RowOwner] => {
      if (by === "definition") return [key, of(definitions[key] ?? "")];
      if (key < 0) return [key, of(null)];
      const machine = machineOf(key);
      if (machine < 0) return [key, of(workerOf(key))];
      const name = machines.get(machine) ?? `machine ${machine}`;
      if (workerOf(key) === unknownWorker) return [key, { key: null, machine: name, thread: null }];
      const thread = (threads.get(machine) ?? 0) + 1;
      threads.set(machine, thread);
      return [key, { key: workerOf(key), machine: name, thread }];
    }),
  );
}

const of = (key: RowOwner["key"]): RowOwner => ({ key, machine: null, thread: null });
