// Versions of the tasks' code: which version made what is in the file, and what a session must run again because of it.

import type { FileContent, TaskRow } from "./file.ts";
import type { Asks, Json, Scenario, Session } from "./scenario.ts";

/**
 * Of an ended task. `made`: the version that ended it. `counts`: the same, a later one for which the user kept it, or
 * `unknown`.
 */
type Version = { readonly made: number; readonly counts: number };

/** It may be of other code than that of its kind, and so it runs again. */
const unknown = -1;

/** What earlier sessions left, and what this one does about it. */
export type CodeState = {
  /** Per kind: the version in this session. */
  readonly versions: readonly number[];
  /** Kinds whose results the user keeps in this session. */
  readonly keeps: readonly number[];
  /** What the user asks to run again in this session. */
  readonly asks: Asks | undefined;
  /** Per kind: the version in the last session that has begun. */
  readonly stored: readonly number[];
  /** Kinds whose code that session has not recorded, because it died too early: any edit of the file counts for them. */
  readonly unsure: ReadonlySet<number>;
  /** Ended tasks, by id. */
  readonly ended: ReadonlyMap<number, Version>;
  /** Tasks that committed something and begin from the beginning all the same. */
  readonly again: ReadonlySet<number>;
  /** Kinds that were ever kept: their checkpoints may be of any version. */
  readonly everKept: ReadonlySet<number>;
};

/** How often the kinds had been edited when this session began. */
export function versionsIn({ sessions, kinds }: Scenario, session: Session): number[] {
  const past = sessions.slice(0, sessions.indexOf(session) + 1);
  return kinds.map((_, kind) => past.filter(({ edits }) => edits?.includes(kind)).length);
}

/** Every second edit leaves the results as they are. */
const meaningOf = (version: number): number => Math.ceil(version / 2);

export const codeText = (versions: readonly number[]): string => `code ${versions.join()}`;

export const fingerprintOf = (kind: number, version: number): string => `${kind} in ${version}`;

export function kindOfKey(key: string): number {
  return Number(/^kind-(\d+)/.exec(key)?.[1]);
}

const isEnded = ({ status }: TaskRow): boolean => status === "done" || status === "error";

/** The task is marked: the user has asked for another run of it, and it has not come to it yet. */
export const isAsked = ({ fingerprint }: TaskRow): boolean =>
  fingerprint === "asked" || fingerprint === "asked+";

/** The task runs again, or has, and what depends on it has still to. */
export const passesOn = ({ fingerprint }: TaskRow): boolean =>
  fingerprint === "asked+" || fingerprint === "done+";

/** The user asks in this session for another run of this task, as the session before has left it. */
export const asksFor = ({ asks }: Pick<CodeState, "asks">, row: TaskRow): boolean =>
  asks !== undefined &&
  ((asks.rerun.includes(kindOfKey(row.key)) && (isEnded(row) || row.cursor !== null)) ||
    (asks.failed && row.status === "error"));

/** Since the last session that has begun. */
const isChanged = ({ unsure, versions, stored }: CodeState, kind: number): boolean =>
  unsure.has(kind) ? codeText(versions) !== codeText(stored) : versions[kind] !== stored[kind];

/** Before the session, the task had ended; with the code of this session, or by the user's wish, it has not. */
export function isOutdated(state: CodeState, row: TaskRow): boolean {
  const kind = kindOfKey(row.key);
  const version = state.ended.get(row.id);
  if (!isEnded(row) || version === undefined) return false;
  // `--keep` keeps results, and what failed has none.
  if (state.keeps.includes(kind)) return asksFor(state, row);
  if (isAsked(row) || asksFor(state, row)) return true;
  return isMadeUnsure(state, kind) || version.counts !== state.versions[kind];
}

/** An edit of another kind counts for this one too. */
const isMadeUnsure = (state: CodeState, kind: number): boolean =>
  state.unsure.has(kind) && isChanged(state, kind);

/** Changed kinds that have committed something, and have inserted rows or emitted messages. */
export function repeatingKinds(state: CodeState, before: FileContent | undefined): number[] {
  if (before === undefined) return [];
  const kindOf = new Map(before.tasks.map(({ id, key }) => [id, kindOfKey(key)]));
  const sent = new Set(
    [...before.ins, ...before.notes, ...before.late].map(({ task }) => kindOf.get(task)),
  );
  const committed = new Set(
    before.tasks.flatMap((row) => (isCommitted(state, row) ? [kindOfKey(row.key)] : [])),
  );
  return [...committed].filter(
    (kind) =>
      sent.has(kind) &&
      isChanged(state, kind) &&
      !state.keeps.includes(kind) &&
      state.asks?.rerun.includes(kind) !== true,
  );
}

/** By the code of the last session. */
function isCommitted({ ended, stored }: CodeState, row: TaskRow): boolean {
  const { id, key, status, cursor } = row;
  if (status === "done") return !isAsked(row) && ended.get(id)?.counts === stored[kindOfKey(key)];
  // Of a task that is marked too: the mark is older than its checkpoint, or `--rerun failed` has left it.
  return cursor !== null;
}

/** How far a task had come at its checkpoint: one that goes on from it comes further. */
const stepsBefore = (cursor: string | null): number =>
  cursor === null ? 0 : (JSON.parse(cursor) as { readonly steps: number }).steps;

/** The state that the next session finds. */
export function afterSession(
  state: CodeState,
  before: FileContent | undefined,
  after: FileContent,
): Omit<CodeState, "versions" | "keeps" | "asks"> {
  const hasBegun = after.runs.at(-1)?.code === codeText(state.versions);
  const rows = new Map(before?.tasks.map((row) => [row.id, row]));
  const ended = new Map<number, Version>();
  const again = new Set(state.again);
  for (const row of after.tasks) {
    const kind = kindOfKey(row.key);
    const now = state.versions[kind] ?? 0;
    const old = rows.get(row.id);
    const version = old === undefined || !isEnded(old) ? undefined : state.ended.get(row.id);
    const isSame = isEnded(row) && old?.finished_at === row.finished_at;
    // A checkpoint of other code is dropped, whether the task has begun again or not.
    const isDropped =
      old !== undefined &&
      row.cursor !== old.cursor &&
      stepsBefore(row.cursor) <= stepsBefore(old.cursor);
    const hasFailedAgain = old?.status === "error" && !isSame && row.cursor === null;
    if ((old?.status === "done" && !isSame) || isDropped || hasFailedAgain) again.add(row.id);
    if (!isEnded(row)) continue;
    if (version === undefined || !isSame) ended.set(row.id, { made: now, counts: now });
    else if (hasBegun && state.keeps.includes(kind)) ended.set(row.id, { ...version, counts: now });
    else if (hasBegun && isMadeUnsure(state, kind))
      ended.set(row.id, { ...version, counts: unknown });
    else ended.set(row.id, version);
  }
  return {
    stored: hasBegun ? state.versions : state.stored,
    unsure: new Set(after.unknownCode.map(kindOfKey)),
    ended,
    again,
    everKept: new Set([...state.everKept, ...state.keeps]),
  };
}

export const nothingBefore = (
  scenario: Scenario,
): Omit<CodeState, "versions" | "keeps" | "asks"> => ({
  stored: scenario.kinds.map(() => 0),
  unsure: new Set(),
  ended: new Map(),
  again: new Set(),
  everKept: new Set(),
});

/** For digests: nothing of a kind that was never edited, so that old scenarios stay as they are. */
export const digestPart = (version: number): readonly Json[] =>
  meaningOf(version) === 0 ? [] : [meaningOf(version)];
