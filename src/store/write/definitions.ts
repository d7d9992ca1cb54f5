// Records which code makes the results of a run's tasks, and marks those that are to run again.

import type { Database } from "bun:sqlite";

import { JSON } from "../../base/globals.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunRequest } from "../../protocol/run-request.ts";
import type { Code } from "../../protocol/reruns.ts";
import type { TaskParts } from "../../protocol/reuse.ts";
import type { BusyHandler } from "../busy-handler.ts";
import { ofRun } from "../own-tables.ts";
import {
  askedDownstream,
  askedFor,
  declaredOther,
  type Decision,
  moduleFingerprint,
  passesOnSql,
  askedMark,
} from "../decide-reruns.ts";
import { definitionSql } from "../definition-of-key.ts";
import { onlyRow } from "../only-row.ts";
import {
  askedReason,
  because,
  codeReason,
  declaredReason,
  failedReason,
} from "../rerun-reasons.ts";
import type { Sources } from "./history.ts";
import { useSources, withoutSource, writeSources } from "./code-sources.ts";

/** A new run: until its fingerprints are known, each definition has that of the whole module. */
export const insertDefinitions = (db: Database, run: RunId, { code, tasks }: RunRequest): void => {
  if (code === null) return;
  const module = moduleFingerprint(code);
  writeDefinitions(db, run, new Map(tasks.map((name) => [name, module])), false);
};

/** @param repeats of definitions that the run does not have yet: whether earlier sessions inserted or emitted is not known */
function writeDefinitions(db: Database, run: RunId, code: Code, repeats: boolean): void {
  db.run(
    `INSERT INTO pipeloom_definitions (run_id, name, fingerprint, repeats)
      SELECT ?, key, value, ? FROM json_each(?) WHERE true
      ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint,
        earlier = CASE WHEN fingerprint LIKE 'module:%' OR fingerprint = excluded.fingerprint
          OR excluded.fingerprint LIKE 'module:%' THEN earlier ELSE fingerprint END`,
    [run, repeats ? 1 : 0, JSON.stringify(Object.fromEntries(code))],
  );
}

/**
 * Marks the tasks that are to run again, and records the code of this session. A done task keeps its row and its result until
 * its new attempt begins. A checkpoint of other code is dropped: only that code knows what it means.
 */
export function markReruns(
  db: Database,
  run: RunId,
  request: RunRequest,
  code: Code | undefined,
  { outdated, changed, asked, hasMarked, isUnknown }: Decision,
): void {
  const { reruns, tasks, code: module } = request;
  const { keep, failed } = reruns;
  for (const [name, fingerprint] of outdated) {
    const isAsked = fingerprint === askedFor || fingerprint === askedDownstream;
    db.run(
      `UPDATE task_runs SET cursor = NULL, ${because("?4")}, fingerprint = ${marked(isAsked ? "?1" : "coalesce(fingerprint, ?1)")},
        ${beginsAgain} AND ${definitionSql} = ?3`,
      [fingerprint, run, `${name}:`, reasonOf(changed.get(name))],
    );
  }
  if (asked.length > 0) {
    db.run(
      `UPDATE task_runs SET cursor = NULL, ${because("?4")}, fingerprint = ${marked("?1")},
        ${beginsAgain} AND id IN (SELECT value FROM json_each(?3))`,
      [askedMark(request), run, JSON.stringify(asked), askedReason],
    );
  }
  if (hasMarked) unmark(db, run, keep, code);
  // Last: --keep keeps results, and what failed has none.
  if (failed) {
    db.run(
      `UPDATE task_runs SET ${because(`'${failedReason}'`)}, fingerprint = ${marked("?1")} WHERE ${ofRun("?2")} AND status = 'error'`,
      [askedMark(request), run],
    );
  }
  if (module === null) return;
  const known = new Map(tasks.map((name) => [name, code?.get(name) ?? moduleFingerprint(module)]));
  writeDefinitions(db, run, known, isUnknown);
}

/** @param change of its definition */
const reasonOf = (change: string | undefined): string => {
  if (change === undefined) return askedReason;
  return change === declaredOther ? declaredReason : codeReason;
};

/** Of tasks that have ended, or have a checkpoint. */
const beginsAgain = `attempt = CASE status WHEN 'queued' THEN 0 ELSE attempt END
  WHERE ${ofRun("?2")} AND (status IN ('done', 'error') OR cursor IS NOT NULL)`;

/** A task that owes its dependents a rerun still owes it. */
const marked = (mark: string): string =>
  `CASE WHEN ${passesOnSql} THEN '${askedDownstream}' ELSE ${mark} END`;

export function passesOn(db: Database, run: RunId): boolean {
  using row = db.prepare<{ found: number }, [number]>(
    `SELECT EXISTS (SELECT 1 FROM task_runs WHERE ${ofRun("?1")} AND ${passesOnSql}) AS found`,
  );
  return onlyRow(row.get(run)).found === 1;
}

/** Marked in an earlier session, and kept now, or the code is again as it was: an edit was undone. */
function unmark(db: Database, run: RunId, keep: readonly string[], code: Code | undefined): void {
  db.run(
    `UPDATE task_runs SET fingerprint = NULL, reason = NULL WHERE ${ofRun("?1")} AND fingerprint IS NOT NULL AND
      (${definitionSql} IN (SELECT value || ':' FROM json_each(?2)) OR
      fingerprint = (SELECT value FROM json_each(?3) WHERE key || ':' = ${definitionSql}))`,
    [run, JSON.stringify(keep), JSON.stringify(Object.fromEntries(code ?? []))],
  );
}

type KnownCode = { readonly code: Code; readonly parts: readonly TaskParts[] };

function writeCode(db: Database, run: RunId, { code, parts }: KnownCode): void {
  writeDefinitions(db, run, code, false);
  useSources(db, run, [...code.values()]);
  writeParts(db, run, parts);
}

export function writeParts(db: Database, run: RunId, all: readonly TaskParts[]): void {
  db.run(
    `UPDATE pipeloom_definitions SET parts = value ->> '$.parts', alike = value ->> '$.alike'
      FROM json_each(?1) WHERE run_id = ?2 AND name = value ->> '$.task'`,
    [JSON.stringify(all), run],
  );
}

/** What becomes known of the definitions while the run goes on: written with the next commit. */
export class DefinitionChanges {
  readonly #db: Database;
  readonly #run: RunId;
  readonly #busyHandler: BusyHandler;
  #code: KnownCode | undefined;
  /** Definitions that have inserted rows or emitted messages (see repeat-rule.ts); those of `#unwritten` are not in the file. */
  readonly #repeats = new Set<string>();
  #unwritten: string[] = [];
  #sources: Sources = [];
  /** By the last flush. A commit that fails drops it. */
  #flushed: { readonly code: KnownCode | undefined; readonly repeats: readonly string[] } = nothing;

  constructor(db: Database, run: RunId, busyHandler: BusyHandler) {
    this.#db = db;
    this.#run = run;
    this.#busyHandler = busyHandler;
  }

  get isEmpty(): boolean {
    return this.#code === undefined && this.#unwritten.length === 0 && this.#sources.length === 0;
  }

  setCode(code: Code, parts: readonly TaskParts[]): void {
    this.#code = { code, parts };
  }

  withoutSource(fingerprints: readonly string[]): readonly string[] {
    return this.#busyHandler.run(() => withoutSource(this.#db, fingerprints));
  }

  setSources(sources: Sources): void {
    this.#sources = sources;
  }

  setRepeats(name: string): void {
    if (this.#repeats.has(name)) return;
    this.#repeats.add(name);
    this.#unwritten.push(name);
  }

  flush(): void {
    if (this.isEmpty) return;
    const code = this.#code;
    const repeats = this.#unwritten;
    if (code !== undefined) this.#busyHandler.run(() => writeCode(this.#db, this.#run, code));
    for (const name of repeats) {
      this.#busyHandler.run(() =>
        this.#db.run("UPDATE pipeloom_definitions SET repeats = 1 WHERE run_id = ? AND name = ?", [
          this.#run,
          name,
        ]),
      );
    }
    if (this.#sources.length > 0) {
      this.#busyHandler.run(() => writeSources(this.#db, this.#run, this.#sources));
    }
    this.#flushed = { code, repeats };
    this.#code = undefined;
    this.#unwritten = [];
    this.#sources = [];
  }

  /** After a rollback. The units that are applied again report their repeats again; the code comes once. */
  discard(): void {
    this.#code ??= this.#flushed.code;
    for (const name of [...this.#flushed.repeats, ...this.#unwritten]) this.#repeats.delete(name);
    this.#unwritten = [];
  }
}

const nothing = { code: undefined, repeats: [] };
