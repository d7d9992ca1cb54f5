// Decides which tasks of a run that is continued run again: those whose code has changed since, and those that the user asks
// for. Only reads, so that `--dry-run` can tell what a run would do.
//
// `task_runs.fingerprint` says which code ended a task, and whether the task is to run again:
//
//   value    meaning                                                    set by              cleared by
//   NULL     ended by the code of its definition: its result is kept
//   a hash   ended by this earlier code: it runs again                  an edit             its new end; the edit undone; --keep
//   declared a file or a variable that `reuse` names had another value  a change of it      its new end; --keep
//   asked    it runs again, whatever its code                           --rerun             its new end; --keep; the end of the run as done, unless its reason is a change
//   asked+   as `asked`, with what depends on it                        --rerun --downstream   its new end sets done+; --keep; as `asked`
//   done+    it has run again; what depends on it has still to          the end of `asked+`    the end of the run

import type { Database } from "bun:sqlite";

import { JSON } from "../base/globals.ts";
import type { RunRequest } from "../protocol/run-request.ts";
import type { Rerun } from "../protocol/reruns.ts";
import type { SessionCode } from "../protocol/reuse.ts";
import { definitionIn, definitionSql } from "./definition-of-key.ts";
import { isLeftSql } from "./left-rows.ts";
import { onlyRow } from "./only-row.ts";
import { ofRun } from "./own-tables.ts";
import { queriesOf } from "./queries.ts";
import { findTasks, maxTitles, noTask, titlesByDefinition } from "./task-names.ts";
import { StoreError } from "./store-error.ts";
import type { RunRow } from "./read/run-rows.ts";

/** Tasks that one title means. */
const maxAsked = 100_000;

export const declaredOther = "declared";
export const askedFor = "asked";
export const askedDownstream = "asked+";
export const ranDownstream = "done+";
export const passesOnSql = `fingerprint IN ('${askedDownstream}', '${ranDownstream}')`;

/** Until the fingerprints of a session are known, its definitions have the hash of the whole module. */
const modulePrefix = "module:";
export const moduleFingerprint = (code: string): string => modulePrefix + code;

type Definition = {
  readonly name: string;
  readonly fingerprint: string;
  readonly repeats: number;
  readonly alike: number | null;
};

/** The tasks of one definition and one fingerprint. */
type Part = {
  readonly definition: string;
  readonly fingerprint: string | null;
  readonly done: number;
  /** Tasks that are done or have a checkpoint: those of the last plan, and those that are asked for by their titles. */
  readonly committed: number;
  /** Done tasks that the last session did not plan: they may be planned again. */
  readonly left: number;
  /** Tasks with a checkpoint that are not asked for by their titles. */
  readonly checkpoints: number;
  readonly failed: number;
  /** Tasks that failed without a checkpoint. */
  readonly failedEmpty: number;
};

export type Decision = {
  readonly reruns: readonly Rerun[];
  /** Definitions whose tasks run again: the fingerprint to set on tasks that have none yet. */
  readonly outdated: ReadonlyMap<string, string>;
  /** Those that have changed, also if the user asks for them: the fingerprint before, or `declared`. */
  readonly changed: ReadonlyMap<string, string>;
  /** Tasks that run again because the user names them: `RerunRequest.titles`. */
  readonly asked: readonly number[];
  /** Tasks were marked in an earlier session and have not run again since. */
  readonly hasMarked: boolean;
  /** The earlier sessions did not record the code of their tasks: whether it has changed is not known. */
  readonly isUnknown: boolean;
};

/**
 * @param code of this session; undefined where it is not known: then nothing counts as changed
 * @throws StoreError `would-repeat` where a changed task has inserted rows, emitted messages or fired triggers, and the user has not chosen;
 *   `nothing-to-rerun`
 */
export function decideReruns(
  db: Database,
  path: string,
  run: RunRow,
  request: RunRequest,
  code: SessionCode | undefined,
): Decision {
  const stored = storedDefinitions(db, run);
  const decider = new Decider(run, request, code, stored);
  const hasMarked = hasMarkedTasks(db, run);
  const asked = askedTasks(db, path, run, request);
  const parts = decider.needsParts || hasMarked ? partsOf(db, run, request, asked) : [];
  const decided = decider.decide(parts);
  const titles = titlesByDefinition(queriesOf(db), run.id, asked);
  const reruns = decided.reruns.map((rerun) => withTitles(rerun, titles.get(rerun.task)));
  const decision = { ...decided, reruns, asked, hasMarked };
  if (decider.repeating.length > 0) throw wouldRepeat(path, run, decider.repeating, stored);
  assertSomething(path, run, request, parts);
  return decision;
}

/** In a damaged file, a fingerprint may be no text: it is another one then. */
function storedDefinitions(db: Database, { id }: RunRow): ReadonlyMap<string, Definition> {
  using rows = db.prepare<Definition, [number]>(
    "SELECT name, coalesce(CAST(fingerprint AS TEXT), '') AS fingerprint, repeats, alike FROM pipeloom_definitions WHERE run_id = ?",
  );
  return new Map(rows.all(id).map((row) => [row.name, row]));
}

function hasMarkedTasks(db: Database, { id }: RunRow): boolean {
  using row = db.prepare<{ found: number }, [number]>(
    `SELECT EXISTS (SELECT 1 FROM task_runs WHERE ${ofRun("?1")} AND fingerprint IS NOT NULL) AS found`,
  );
  return onlyRow(row.get(id)).found === 1;
}

/** @throws StoreError `nothing-to-rerun` */
function askedTasks(
  db: Database,
  path: string,
  { id }: RunRow,
  { reruns: { titles } }: RunRequest,
): readonly number[] {
  const queries = queriesOf(db);
  return titles.flatMap((title) => {
    const found = findTasks(queries, id, title, maxAsked);
    if (found.length > 0) return found;
    throw new StoreError("nothing-to-rerun", `${path}: ${noTask(queries, id, title)}`);
  });
}

/** Tasks that are asked for one by one. Where others of the definition run again too, their number says more. */
const withTitles = (rerun: Rerun, titles: readonly string[] = []): Rerun =>
  titles.length === 0 ||
  rerun.reason !== "asked" ||
  titles.length < Math.min(rerun.count, maxTitles)
    ? rerun
    : { ...rerun, titles };

export const askedMark = ({ reruns: { downstream } }: RunRequest): string =>
  downstream ? askedDownstream : askedFor;

export function partsOf(
  db: Database,
  { id }: RunRow,
  request: RunRequest,
  asked: readonly number[],
): readonly Part[] {
  const fingerprint = `CASE WHEN id IN (SELECT value FROM json_each(?2)) THEN ?3 ELSE nullif(fingerprint, '${ranDownstream}') END`;
  using rows = db.prepare<Part, [number, string, string]>(
    `SELECT ${definitionSql} AS definition, ${fingerprint} AS fingerprint, SUM(status = 'done') AS done, SUM(CASE WHEN ${isLeftSql} THEN id IN (SELECT value FROM json_each(?2)) ELSE status = 'done' OR cursor IS NOT NULL END) AS committed,
      SUM(${isLeftSql}) AS left,
      SUM(cursor IS NOT NULL AND status <> 'done' AND id NOT IN (SELECT value FROM json_each(?2))) AS checkpoints,
      SUM(status = 'error') AS failed, SUM(status = 'error' AND cursor IS NULL) AS failedEmpty
      FROM task_runs WHERE ${ofRun("?1")} GROUP BY 1, 2`,
  );
  return rows
    .all(id, JSON.stringify(asked), askedMark(request))
    .map((part) => ({ ...part, definition: definitionIn(part.definition) }));
}

type Repeating = { readonly task: string; readonly isDeclared: boolean };

class Decider {
  readonly #run: RunRow;
  readonly #request: RunRequest;
  readonly #code: SessionCode | undefined;
  readonly #stored: ReadonlyMap<string, Definition>;
  readonly #outdated: ReadonlyMap<string, string>;
  /** Changed definitions whose tasks would insert or emit a second time. */
  readonly repeating: Repeating[] = [];

  constructor(
    run: RunRow,
    request: RunRequest,
    code: SessionCode | undefined,
    stored: ReadonlyMap<string, Definition>,
  ) {
    this.#run = run;
    this.#request = request;
    this.#code = code;
    this.#stored = stored;
    this.#outdated = new Map(request.tasks.flatMap((name) => this.#outdatedBy(name)));
  }

  get needsParts(): boolean {
    const { keep, rerun, titles, failed } = this.#request.reruns;
    return this.#outdated.size > 0 || [...keep, ...rerun, ...titles].length > 0 || failed;
  }

  #outdatedBy(name: string): readonly [string, string][] {
    const { keep, rerun, downstream } = this.#request.reruns;
    if (rerun.includes(name)) return [[name, downstream ? askedDownstream : askedFor]];
    const change = keep.includes(name) ? undefined : this.#changeOf(name);
    return change === undefined ? [] : [[name, change]];
  }

  /** The fingerprint to set on tasks that have ended. Undefined: their results are those of this session's code. */
  #changeOf(name: string): string | undefined {
    const before = this.#stored.get(name);
    if (before === undefined) return undefined;
    if (this.#isCodeChanged(name, before)) return before.fingerprint;
    return this.#isDeclaredChanged(name, before) ? declaredOther : undefined;
  }

  #isCodeChanged(name: string, { fingerprint: before }: Definition): boolean {
    const now = this.#code?.code.get(name);
    if (now === undefined || now === before) return false;
    const isModule = before.startsWith(modulePrefix) || now.startsWith(modulePrefix);
    return !isModule || this.#run.code !== this.#request.code;
  }

  /** Of a task with `reuse`. Without `reuses`, what earlier runs depended on has not been read. */
  #isDeclaredChanged(name: string, { alike: before }: Definition): boolean {
    const now = this.#code?.parts.find(({ task }) => task === name)?.alike ?? null;
    const isKnown = this.#request.reuses.some(([task]) => task === name);
    return isKnown && before !== null && now !== null && now !== before;
  }

  decide(parts: readonly Part[]): Omit<Decision, "asked" | "hasMarked"> {
    const changes = [...this.#outdated.keys()].map((name) => [name, this.#changeOf(name)] as const);
    return {
      changed: new Map(changes.flatMap(([name, change]) => (change ? [[name, change]] : []))),
      reruns: this.#request.tasks.flatMap((name) =>
        this.#rerunOf(
          name,
          parts.filter(({ definition }) => definition === name),
        ),
      ),
      outdated: this.#outdated,
      isUnknown: this.#stored.size === 0,
    };
  }

  #rerunOf(task: string, parts: readonly Part[]): readonly Rerun[] {
    const now = this.#code?.code.get(task);
    const current = parts.filter(({ fingerprint }) => fingerprint === null);
    // Marked in an earlier session. Code that is again as it was, because an edit was undone, needs no rerun.
    const old = parts.filter(({ fingerprint }) => fingerprint !== null && fingerprint !== now);
    return this.#request.reruns.keep.includes(task)
      ? this.#kept(task, current, old)
      : this.#again(task, current, old);
  }

  #kept(task: string, current: readonly Part[], old: readonly Part[]): readonly Rerun[] {
    const change = this.#changeOf(task);
    const count = sum(change === undefined ? old : [...current, ...old], "committed");
    const reason = reasonOf([change, ...old.map(({ fingerprint }) => fingerprint)]);
    return count === 0 ? [] : [{ task, reason, isKept: true, count }];
  }

  #again(task: string, current: readonly Part[], old: readonly Part[]): readonly Rerun[] {
    const { failed } = this.#request.reruns;
    const outdated = this.#outdated.get(task);
    const again = outdated === undefined ? old : [...current, ...old];
    // Failed tasks with a checkpoint are among the committed ones of `current`.
    const alsoFailed = outdated === undefined ? "failed" : "failedEmpty";
    const others = failed ? sum(current, alsoFailed) + sum(old, "failedEmpty") : 0;
    const count = sum(again, "committed") + others;
    const isAsked = isAsking(outdated) || old.every(({ fingerprint }) => isAsking(fingerprint));
    const isChanged = outdated !== undefined && !isAsking(outdated);
    const repeats = this.#stored.get(task)?.repeats === 1;
    // A mark of --rerun agrees to what was committed before it, and not to what lies before a checkpoint that is still there: after
    // --rerun failed the task goes on from it.
    const marked = old.filter(({ fingerprint }) => isAsking(fingerprint));
    const unasked = sum(current, "committed") + sum(current, "left") + sum(marked, "checkpoints");
    if (isChanged && repeats && unasked > 0) {
      this.repeating.push({ task, isDeclared: outdated === declaredOther });
    }
    if (count === 0) return [];
    const why = reasonOf([outdated, ...old.map(({ fingerprint }) => fingerprint)]);
    const reason = isAsked && !isChanged ? "asked" : why;
    const passesOn =
      outdated === askedDownstream ||
      old.some(({ fingerprint }) => fingerprint === askedDownstream);
    const downstream = passesOn || (failed && this.#request.reruns.downstream);
    return [{ task, reason, isKept: false, count, ...(downstream ? { downstream } : undefined) }];
  }
}

const isAsking = (fingerprint: string | null | undefined): boolean =>
  fingerprint === askedFor || fingerprint === askedDownstream;

/** @param marks some of a changed definition */
const reasonOf = (marks: readonly (string | null | undefined)[]): "code" | "declared" =>
  marks.some((mark) => typeof mark === "string" && mark !== declaredOther && !isAsking(mark))
    ? "code"
    : "declared";

export const sum = (
  parts: readonly Part[],
  what: "done" | "committed" | "left" | "checkpoints" | "failed" | "failedEmpty",
): number => parts.reduce((total, part) => total + part[what], 0);

function wouldRepeat(
  path: string,
  { id }: RunRow,
  repeating: readonly Repeating[],
  stored: ReadonlyMap<string, Definition>,
): StoreError {
  const tasks = repeating.map(({ task }) => task);
  const flags = (flag: string): string => tasks.map((task) => `--${flag} ${task}`).join(" ");
  const isGuess = tasks.some(
    (task) => stored.get(task)?.fingerprint.startsWith(modulePrefix) === true,
  );
  const what = repeating.some(({ isDeclared }) => isDeclared)
    ? `the code of ${tasks.join(", ")}, or a file or variable that it declares,`
    : `the code of ${tasks.join(", ")}`;
  const has = isGuess ? "has changed, or may have" : "has changed";
  return new StoreError(
    "would-repeat",
    `${what} ${has} since run ${id} in ${path}, and it has inserted rows, emitted messages or fired triggers there: ` +
      "running again would do so twice, so nothing was run" +
      (isGuess ? ` (run ${id} ended before it was known which code each task uses)` : "") +
      `\n  to run again all the same: ${flags("rerun")}` +
      `\n  to keep the results ${what.endsWith(",") ? "as they are" : "of the earlier code"}: ${flags("keep")}`,
  );
}

/** What is asked for has to be there, in a run that has nothing else to do. */
function assertSomething(
  path: string,
  { id, status }: RunRow,
  { reruns: { rerun, failed } }: RunRequest,
  parts: readonly Part[],
): void {
  if (failed && status !== "running" && sum(parts, "failed") === 0) {
    throw new StoreError(
      "nothing-to-rerun",
      `run ${id} in ${path} has no task that failed; to run others again, name them: --rerun <task>`,
    );
  }
  const known = new Set(parts.map(({ definition }) => definition));
  const missing = rerun.find((name) => !known.has(name));
  if (missing === undefined || status !== "done") return;
  throw new StoreError(
    "nothing-to-rerun",
    `run ${id} in ${path} has no task "${missing}"; it has ${[...known].toSorted().join(", ")}`,
  );
}
