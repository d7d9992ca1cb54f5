// Expected results, rows and messages of a task, computed from its input alone.

import { digestPart } from "./code.ts";
import type { Json, Kind, Scenario, Step } from "./scenario.ts";

export type TaskInput = { readonly id: string; readonly in: Json };

/** What a task is given. */
export const inputOf = (kind: Kind, path: string, given: Json): TaskInput =>
  kind.isTicket === true ? { id: "", in: given } : { id: path, in: given };

/** What its result and its rows depend on. */
export const ownInput = (path: string, input: TaskInput): TaskInput => ({ ...input, id: path });

const digestOf = (value: unknown): number => Number(Bun.hash(JSON.stringify(value)) % 1_000_003n);

/** @param version of the kind's code */
export function resultOf(kind: Kind, index: number, input: TaskInput, version: number): Json {
  if (kind.yields === "null") return null;
  const digest = digestOf([index, input, ...digestPart(version)]);
  if (kind.yields === "long") return { digest, text: "x".repeat(1200) };
  if (kind.yields === "value") return { digest, "ü\u001f": `${digest}😀`, half: digest / 2 };
  return Array.from({ length: kind.yields }, (_, n) =>
    n % 3 === 2 ? [n, digest] : { n, of: digest, text: "\u001f\n" },
  );
}

// ── what tells a task from others ──────────────────────────────────────────────────────────────────────

const maxShort = 1024;

/** The input as it is stored. */
export function storedInputOf(input: string, { inputs }: Scenario): string | null {
  if (inputs === "none") return null;
  return inputs === "full" ? input : shortOf(input);
}

/** The input as events have it. */
export const shownInputOf = (input: string, { inputs }: Scenario): string | undefined =>
  inputs === "none" ? undefined : shortOf(input);

function shortOf(input: string): string {
  if (input.length <= maxShort) return input;
  const start = input.slice(0, maxShort);
  return `${start.isWellFormed() ? start : start.slice(0, -1)}…`;
}

export const labelOf = (path: string, { hasLabels }: Scenario): string | null =>
  hasLabels === true ? `item ${path} ***` : null;

// ── rows ───────────────────────────────────────────────────────────────────────────────────────────────

export type InsertedRow = {
  path: string;
  task: number;
  attempt: number;
  seg: number;
  step: number;
  n: number;
  text: string;
};

export const insertedRows = (
  input: TaskInput,
  task: number,
  attempt: number,
  seg: number,
  step: number,
  rows: number,
): InsertedRow[] => {
  const text = insertedText(input);
  return Array.from({ length: rows }, (_, n) => ({
    path: input.id,
    task,
    attempt,
    seg,
    step,
    n,
    text,
  }));
};

export const insertedText = (input: TaskInput): string => `${digestOf(input)}\u001f`;

export type UpsertedRow = {
  readonly key: string;
  readonly path: string;
  readonly task: number;
  readonly a?: string;
  readonly b?: number;
  readonly c?: string | null;
};

/**
 * Rows of an upsert. Their shapes alternate. All upserts of a task use the same keys, so that a later one updates rows.
 */
export const upsertedRows = (
  input: TaskInput,
  task: number,
  step: number,
  { rows, shapes }: Extract<Step, { op: "upsert" }>,
): UpsertedRow[] =>
  Array.from({ length: rows }, (_, n) => {
    const base = { key: `${input.id}/${task}/${n}`, path: input.id, task };
    switch ((n + step) % shapes) {
      case 0:
        return { ...base, a: `a${step}`, b: step, c: null };
      case 1:
        return { ...base, a: `a${step}` };
      case 2:
        return { ...base, c: `c${step}`, b: n };
      default:
        return base;
    }
  });

export type StoredRow = {
  readonly key: string;
  readonly a: string | null;
  readonly b: number | null;
  readonly c: string | null;
};

/**
 * The table after the upserts of the first steps. An unnamed column keeps its value, or gets its default on insert. A table that
 * tasks have made has no defaults.
 */
export function upsertsOf(
  kind: Kind,
  input: TaskInput,
  task: number,
  steps: number,
  { createsTables }: Pick<Scenario, "createsTables"> = {},
): StoredRow[] {
  const defaults =
    createsTables === true ? { a: null, b: null, c: null } : { a: "a0", b: 7, c: null };
  const table = new Map<string, StoredRow>();
  for (const [index, step] of kind.steps.slice(0, steps).entries()) {
    if (step.op !== "upsert") continue;
    for (const row of upsertedRows(input, task, index, step)) {
      const { key } = row;
      const before = table.get(key) ?? { key, ...defaults };
      const { path: _path, task: _task, ...given } = row;
      table.set(key, { ...before, ...given });
    }
  }
  return [...table.values()];
}

/** The first steps, each with its index and the number of checkpoints before it. */
function segmented(kind: Kind, steps: number): { step: Step; index: number; seg: number }[] {
  let seg = 0;
  return kind.steps.slice(0, steps).map((step, index) => {
    const placed = { step, index, seg };
    if (step.op === "checkpoint") seg++;
    return placed;
  });
}

/** `seg/step/n` of each row that the first steps insert. */
export const insertsOf = (kind: Kind, steps: number): string[] =>
  segmented(kind, steps).flatMap(({ step, index, seg }) =>
    step.op === "insert" ? Array.from({ length: step.rows }, (_, n) => `${seg}/${index}/${n}`) : [],
  );

export const notesOf = (kind: Kind, steps: number): string[] =>
  segmented(kind, steps).flatMap(({ step, index, seg }) =>
    step.op === "emit" ? [`${seg}/${index}`] : [],
  );
