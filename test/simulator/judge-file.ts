// Judges the file: it contains everything announced, and each task's rows exactly once, and nothing else.

import { taskKey } from "../../src/protocol/task-key.ts";
import { check, type Earlier, type Evidence, type Seen } from "./evidence.ts";
import type { FileContent, TaskRow } from "./file.ts";
import type { Instance } from "./model.ts";
import {
  insertedText,
  insertsOf,
  labelOf,
  notesOf,
  ownInput,
  resultOf,
  storedInputOf,
  upsertsOf,
  type TaskInput,
} from "./paper.ts";
import type { Kind } from "./scenario.ts";
import { type Cursor, kindName, stateKey } from "./script.ts";
import { Finding } from "./world.ts";

/** Lines of pipeloom that are stored in any case: where the log was cut, how many lines are missing, an interruption. */
const ownLine = /^… (?:cut here|[\d,]+ more lines? not stored)|^attempt \d+ was interrupted: /;

function countUp(counts: Map<string, number>, key: string): number {
  const counted = (counts.get(key) ?? 0) + 1;
  counts.set(key, counted);
  return counted;
}

export class FileJudge {
  readonly #of: Evidence;
  readonly #seen: Seen;

  constructor(of: Evidence) {
    this.#of = of;
    this.#seen = of.seen;
  }

  all(): void {
    const { integrity } = this.#seen.after;
    check(integrity === "ok", () => `integrity: ${integrity}`);
    this.#announcedIsInTheFile();
    this.#rows();
  }

  #announcedIsInTheFile(): void {
    const { scenario, after, events } = this.#seen;
    if (!scenario.storeTaskStatus) return;
    const rows = new Map(after.tasks.map((row) => [row.id, row]));
    for (const event of this.#of.finished.values()) {
      const row = rows.get(event.id);
      if (row === undefined)
        throw new Finding(`${event.name} was announced as ${event.status} and is not in the file`);
      check(
        row.status === event.status,
        () => `${event.name} was announced as ${event.status} and is ${row.status} in the file`,
      );
      check(
        row.attempt === event.attempt,
        () =>
          `${event.name}: attempt ${event.attempt} was announced, ${row.attempt} is in the file`,
      );
      if (event.result !== undefined) {
        check(
          row.result === event.result,
          () => `${event.name}: result ${event.result} was announced, ${row.result} is in the file`,
        );
      }
    }
    for (const event of events) {
      if (event.type !== "task-checkpoint") continue;
      const row = rows.get(event.id);
      check(
        row !== undefined && row.cursor !== null,
        () => `a checkpoint of task ${event.id} was announced and is not in the file`,
      );
    }
    this.#logsInTheFile();
    for (const row of after.tasks) {
      this.#row(row);
      this.#state(row);
      const before = this.#of.failedBefore(row.id);
      check(
        before === undefined || Bun.deepEquals(unmarked(row), unmarked(before)),
        () =>
          `${row.name} is optional and failed in an earlier session; its row was ${JSON.stringify(before)} and is ${JSON.stringify(row)}`,
      );
    }
  }

  /** A value that was set in the unit of a checkpoint is there with its cursor, and only then. */
  #state({ id, name, cursor }: TaskRow): void {
    const { scenario, after } = this.#seen;
    if (scenario.keepsState !== true || cursor === null) return;
    const value = after.state.get(stateKey(id));
    check(
      value === cursor,
      () => `the state of ${name} is ${value}, and its cursor in the file is ${cursor}`,
    );
  }

  #logsInTheFile(): void {
    const { after, before, events, scenario, stage } = this.#seen;
    const { maxLines = Number.POSITIVE_INFINITY } = scenario;
    const stored = new Map<string, number>();
    const counts = new Map<string, number>();
    for (const { task_id: id, attempt, line } of after.logs) {
      const at = `${id} ${attempt} ${line}`;
      stored.set(at, (stored.get(at) ?? 0) + 1);
      if (!ownLine.test(line)) countUp(counts, `${id} ${attempt}`);
    }
    for (const [of, lines] of before === undefined ? counts : []) {
      check(lines <= maxLines, () => `${lines} lines of ${of} are stored, and ${maxLines} may be`);
    }
    const announced = new Map<string, number>();
    for (const event of events) {
      if (event.type !== "task-log") continue;
      const at = `${event.id} ${event.attempt} ${event.line}`;
      const isBound = !ownLine.test(event.line);
      if (isBound && countUp(announced, `${event.id} ${event.attempt}`) > maxLines) continue;
      // Its first lines may have been announced in the session before.
      if (scenario.maxLines !== undefined && stage.goneOn.has(event.id)) continue;
      const left = stored.get(at) ?? 0;
      check(left > 0, () => `a line of the log was announced and is not in the file: ${at}`);
      stored.set(at, left - 1);
    }
  }

  #row(row: TaskRow): void {
    const { name, key, status, result } = row;
    const instance = this.#of.model.instances.get(name);
    if (instance?.input === undefined) return;
    if (key !== taskKey(kindName(instance.kind), instance.input)) return;
    this.#item(row, instance.input);
    if (status !== "done") return;
    const kind = this.#of.kindOf(instance);
    const right = JSON.stringify(this.#result(kind, instance, this.#of.madeBy(row) ?? 0));
    check(result === right, () => `the result of ${name} is ${result}, and ${right} is right`);
  }

  /** A task that has not begun may have less of it. */
  #item({ name, status, input, label }: TaskRow, whole: string): void {
    const { scenario } = this.#seen;
    const right = storedInputOf(whole, scenario);
    const isPart = input === null || (input.endsWith("…") && whole.startsWith(input.slice(0, -1)));
    check(
      input === right || (status !== "done" && isPart),
      () => `the input of ${name} (${status}) is ${input}, and ${right} is right`,
    );
    const title = labelOf(name, scenario);
    check(label === title, () => `the label of ${name} is ${label}, and ${title} is right`);
  }

  #result(kind: Kind, { kind: index, path, input }: Instance, version: number): unknown {
    const own = ownInput(path, JSON.parse(input ?? "null") as TaskInput);
    return resultOf(kind, index, own, version);
  }

  /** Per task: all committed rows exactly once, and no other rows. */
  #rows(): void {
    const { after, scenario, end } = this.#seen;
    // Without stored status, only events show what was committed, and a killed process may not have announced it.
    if (!scenario.storeTaskStatus && end.how === "killed") return;
    const ins = groupBy(after.ins);
    const ups = groupBy(after.ups);
    const notes = groupBy(after.notes);
    const late = groupBy(after.late);
    check(after.orphans === 0, () => "a row without its parent was committed");
    check(after.uniq === 0, () => "a unit that did not fit has left rows");
    for (const { id, name, key, attempt, steps, isDone } of this.#committed()) {
      if (isDone) this.#lateRows(id, attempt, late.get(id) ?? []);
      const isCurrent = ({ kind, input }: Instance): boolean =>
        key === undefined || (input !== undefined && key === taskKey(kindName(kind), input));
      const instance = this.#of.model.instances.get(name);
      const inserted = ins.get(id) ?? [];
      const upserted = ups.get(id) ?? [];
      const sent = notes.get(id) ?? [];
      for (const table of [ins, ups, notes]) table.delete(id);
      if (instance === undefined) continue;
      const kind = this.#of.kindOf(instance);
      const { earlier, isWaiting } = this.#roundOf(id);
      const count = isWaiting ? 0 : isDone ? kind.steps.length : steps;
      const allInserts = [...(earlier?.ins ?? []), ...insertsOf(kind, count)];
      same(`rows of ${name} that were inserted`, places(inserted), allInserts);
      same(`messages of ${name}`, places(sent), [
        ...(earlier?.notes ?? []),
        ...notesOf(kind, count),
      ]);
      if (instance.input === undefined || !isCurrent(instance)) continue;
      // The upserts of other code stay until the task, which begins from the beginning, writes them again.
      if (!isDone && (this.#seen.codeAfter.again.has(id) || earlier !== undefined)) continue;
      if (isWaiting) continue;
      // Which of several equal calls that run again gets which id does not matter.
      const isOwn = (path: string): boolean => kind.isTicket !== true || path === name;
      const input = ownInput(name, JSON.parse(instance.input) as TaskInput);
      same(
        `rows of ${name} that were upserted`,
        upserted.filter(({ key: text }) => isOwn(text.split("/")[0] ?? "")).map(showStored),
        upsertsOf(kind, input, id, count, scenario).map(showStored),
      );
      const text = insertedText(input);
      const wrong = inserted.find((row) => row.text !== text && isOwn(row.path));
      check(
        wrong === undefined,
        () =>
          `a row of ${name} has ${JSON.stringify(wrong?.text)}, and ${JSON.stringify(text)} is right`,
      );
    }
    for (const table of [ins, ups, notes]) {
      for (const [id, rows] of table) {
        check(
          rows.length === 0,
          () =>
            `${rows.length} rows of task ${id} (${this.#of.names.get(id)}), which the file does not know`,
        );
      }
    }
    for (const [id, rows] of late) {
      // Another round has the same attempts.
      if (this.#of.rounds.earlier.has(id)) continue;
      const all = rows.map((row) => JSON.stringify(row));
      check(
        new Set(all).size === all.length,
        () => `rows that task ${id} sent late are there twice`,
      );
      this.#noRefusedRow(id, rows);
    }
  }

  /** `isWaiting`: what is in the file is of the rounds before, and the next has not committed anything. */
  #roundOf(id: number): { readonly earlier: Earlier | undefined; readonly isWaiting: boolean } {
    const earlier = this.#of.rounds.earlier.get(id);
    const row = this.#seen.after.tasks.find((each) => each.id === id);
    const isWaiting =
      earlier !== undefined && row?.status === "done" && row.finished_at === earlier.doneAt;
    return { earlier, isWaiting };
  }

  /** A late row that `ctx` accepted is part of the done attempt. */
  #lateRows(id: number, attempt: number, rows: FileContent["late"]): void {
    for (const { task, attempt: sentIn, lateRows, path, isGivenUp } of this.#seen.stage.traces) {
      if (task !== id || sentIn !== attempt || isGivenUp) continue;
      for (const [step, told] of lateRows) {
        check(
          told === "refused" || rows.some((row) => isLateRow(row, attempt, step)),
          () => `${path} is done, and a row that it sent late and in time is lost`,
        );
      }
    }
  }

  #noRefusedRow(id: number, rows: FileContent["late"]): void {
    for (const { task, attempt, lateRows, path, isGivenUp } of this.#seen.stage.traces) {
      for (const [step, told] of task === id && !isGivenUp ? lateRows : []) {
        check(
          told === "accepted" || !rows.some((row) => isLateRow(row, attempt, step)),
          () => `${path} was told that a row is refused, and it is there`,
        );
      }
    }
  }

  *#committed(): Generator<Committed> {
    const { scenario, after, events } = this.#seen;
    if (scenario.storeTaskStatus) {
      for (const { id, name, key, status, attempt, cursor } of after.tasks) {
        yield { id, name, key, attempt, steps: stepsOf(cursor), isDone: status === "done" };
      }
      return;
    }
    const cursors = new Map<number, string>();
    for (const event of events)
      if (event.type === "task-checkpoint") cursors.set(event.id, event.cursor);
    for (const [id, name] of this.#of.names) {
      const { status, attempt = 0 } = this.#of.finished.get(id) ?? {};
      const steps = stepsOf(cursors.get(id) ?? null);
      yield { id, name, key: undefined, attempt, steps, isDone: status === "done" };
    }
  }
}

/** The end of a run clears the marks. */
const unmarked = (row: TaskRow): TaskRow => ({ ...row, fingerprint: null });

type Committed = {
  readonly id: number;
  readonly name: string;
  /** Undefined if no status is stored. */
  readonly key: string | undefined;
  readonly attempt: number;
  /** Number of steps committed by the last checkpoint. */
  readonly steps: number;
  readonly isDone: boolean;
};

const stepsOf = (cursor: string | null): number =>
  cursor === null ? 0 : (JSON.parse(cursor) as Cursor).steps;

const isLateRow = (row: FileContent["late"][number], attempt: number, step: number): boolean =>
  row.attempt === attempt && row.place === String(step);

const showStored = ({
  key,
  a,
  b,
  c,
}: {
  key: string;
  a: string | null;
  b: number | null;
  c: string | null;
}): string => JSON.stringify([key, a, b, c]);

function groupBy<Row extends { readonly task: number }>(rows: readonly Row[]): Map<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.task);
    if (group === undefined) groups.set(row.task, [row]);
    else group.push(row);
  }
  return groups;
}

const places = (rows: readonly { readonly place: string }[]): string[] =>
  rows.map(({ place }) => place);

function same(what: string, found: readonly string[], right: readonly string[]): void {
  const a = [...found].toSorted();
  const b = [...right].toSorted();
  if (a.length === b.length && a.every((each, i) => each === b[i])) return;
  const missing = b.filter((each) => !a.includes(each));
  const extra = a.filter((each) => !b.includes(each));
  throw new Finding(
    `${what}: ${a.length} are there and ${b.length} are right; missing ${shown(missing)}; too many ${shown(extra)}`,
  );
}

const shown = (list: readonly string[]): string =>
  list.length === 0 ? "none" : `${list.slice(0, 5).join(" ")}${list.length > 5 ? " …" : ""}`;
