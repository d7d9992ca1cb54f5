// Finds the tasks of a run that a person names as the screen does: `load`, `load day=2026-11-03`, `day=2026-11-03`, an author's
// label, `load day=2026-11-03 #17`, `#17`, and a title that was cut to its room: `load …11-03`.

import { firstFew } from "../base/first-few.ts";
import { nearest } from "../base/suggest.ts";
import { visible } from "../base/text.ts";
import type { RunId } from "../protocol/ids.ts";
import { hasTitle, type Shown, titleOf } from "../protocol/label.ts";
import { nameInKey, nameOfKey } from "../protocol/task-key.ts";
import { itemColumns, storedLabel } from "./read/stored-item.ts";
import { NamedTasks } from "./read/named-tasks.ts";
import type { Row } from "./read/reader.ts";
import { storedGraph } from "./read/stored-graph.ts";
import type { Queries } from "./queries.ts";

type Titled = Shown & { readonly id: number; readonly definition: string };

/** Bounds memory: rows that are read at once. */
const pageSize = 10_000;
/** Tasks whose titles are compared with a name that nothing has. */
const maxCompared = 2_000;
const maxNames = 10;
/** Of a text that are looked for in inputs. */
const maxParts = 3;
/** What `visible` makes of control characters. */
const shownControl = /\\(?:x[\da-f]{2}|u[\da-f]{4})/g;

/**
 * By a name of a task or of a definition; where nothing has that name, by a title or a label.
 * @returns at most `most` ids, in their order; empty where there is no such task
 */
export function findTasks(db: Queries, run: RunId, text: string, most: number): number[] {
  const [, title = "", id] = /^(?:([^]*) )?#([1-9]\d{0,14})$/.exec(text) ?? [];
  if (id !== undefined) {
    const task = titled(db, run, Number(id));
    if (task !== undefined && (title === "" || hasTitle(title, task))) return [task.id];
  }
  const tasks = new NamedTasks(db, run, storedGraph(db, run));
  const named = tasks.ids(text, most, false);
  if (named.length > 0) return named;
  // Its nodes have names of their own. Not asked for other names: a million keys would be cut.
  const ofDefinition = isDefinition(db, run, text) ? tasks.ids(text, most, true) : [];
  if (ofDefinition.length > 0 || !tasks.mayBeTitle(text)) return ofDefinition;
  return findTitled(db, run, text, most);
}

function findTitled(db: Queries, run: RunId, text: string, most: number): number[] {
  const found: number[] = [];
  for (const task of candidates(db, run, text)) {
    if (hasTitle(text, task)) found.push(task.id);
    if (found.length === most) break;
  }
  return found;
}

/** The labels are made of a million inputs only where these have the parts of the text. */
function* candidates(db: Queries, run: RunId, text: string): Generator<Titled> {
  // What is before a mark may be of the name.
  const last = text.split(/\s|…/).at(-1) ?? "";
  const parts = last.replaceAll(shownControl, " ").match(/[\w.:/-]+/g) ?? [];
  const some = parts.toSorted((a, b) => b.length - a.length).slice(0, maxParts);
  const columns = itemColumns(db);
  const hasParts = some.map(() => "instr(input, ?) > 0").join(" AND ");
  const isLikely = `label IS NOT NULL OR input IS NOT NULL${hasParts === "" ? "" : ` AND ${hasParts}`}`;
  for (let after = 0; ;) {
    const rows = db.query(
      `SELECT * FROM (SELECT id, name, ${columns} FROM task_runs WHERE run_id = ? AND id > ?)
        WHERE ${isLikely} ORDER BY id LIMIT ?`,
      [run, after, ...some, pageSize],
    );
    yield* rows.map(titledRow);
    if (rows.length < pageSize) return;
    after = idOf(rows.at(-1) ?? {});
  }
}

const idOf = (row: Row): number => Number(row["id"]);

const titledRow = (row: Row): Titled => ({
  id: idOf(row),
  name: String(row["name"]),
  label: storedLabel(row),
  definition: nameOfKey(String(row["key"])),
});

function titled(db: Queries, run: RunId, id: number): Titled | undefined {
  const [row] = db.query(
    `SELECT id, name, ${itemColumns(db)} FROM task_runs WHERE run_id = ? AND id = ?`,
    [run, id],
  );
  return row === undefined ? undefined : titledRow(row);
}

/** A file of an earlier version has none. */
const hasDefinitions = (db: Queries): boolean =>
  db.query("SELECT 1 FROM sqlite_schema WHERE name = 'pipeloom_definitions'").length > 0;

function isDefinition(db: Queries, run: RunId, name: string): boolean {
  if (!hasDefinitions(db)) return false;
  const one = "SELECT 1 FROM pipeloom_definitions WHERE run_id = ? AND name = ?";
  return db.query(one, [run, nameInKey(name)]).length > 0;
}

function definitionsOf(db: Queries, run: RunId): string[] {
  if (!hasDefinitions(db)) return [];
  return db
    .query("SELECT name FROM pipeloom_definitions WHERE run_id = ? LIMIT 100", [run])
    .map((row) => String(row["name"]));
}

/** Of tasks that are asked for, that are named. */
export const maxTitles = 3;

/** The titles of the first of these tasks, by their definitions. */
export function titlesByDefinition(
  db: Queries,
  run: RunId,
  ids: readonly number[],
): ReadonlyMap<string, readonly string[]> {
  const titles = new Map<string, string[]>();
  for (const id of ids.slice(0, maxCompared)) {
    const task = titled(db, run, id);
    if (task === undefined) continue;
    const known = titles.get(task.definition) ?? [];
    if (known.length < maxTitles) known.push(titleOf(task.name, task.label));
    titles.set(task.definition, known);
  }
  return titles;
}

/**
 * For completion: the definitions and names of a run's first tasks, and the labels that begin so. Without labels that a shell
 * would split.
 */
export function taskWords(db: Queries, run: RunId, beginning: string): readonly string[] {
  const tasks = firstTasks(db, run);
  const labels = beginning === "" ? [] : tasks.flatMap(({ label }) => label ?? []);
  const names = [...definitionsOf(db, run), ...tasks.map(({ name }) => name)];
  return [...new Set([...names, ...labels])].filter(
    (word) => word.startsWith(beginning) && !/\s/.test(word),
  );
}

const firstTasks = (db: Queries, run: RunId): readonly Titled[] =>
  db
    .query(
      `SELECT id, name, ${itemColumns(db)} FROM task_runs WHERE run_id = ? ORDER BY id LIMIT ?`,
      [run, maxCompared],
    )
    .map(titledRow);

/** `run 3 has no task "laod"; did you mean "load"?` */
export function noTask(db: Queries, run: RunId, text: string): string {
  if (isDefinition(db, run, text)) {
    return `run ${run} has no task of "${text}": its plan did not come to one, or left it out (--only)`;
  }
  const tasks = firstTasks(db, run);
  // Definitions without a task, such as those that --only left out, are none of its tasks. In a larger run they may come later.
  const seen = new Set(tasks.map(({ definition }) => definition));
  const definitions = definitionsOf(db, run).filter(
    (name) => tasks.length === maxCompared || seen.has(nameInKey(name)),
  );
  const names = [...new Set([...definitions, ...tasks.map(({ name }) => name)])];
  const titles = tasks.flatMap(({ name, label }) =>
    label === null ? [] : [visible(titleOf(name, label)), visible(label)],
  );
  const near = nearest(text.replace(/ #\d+$/, ""), [...names, ...titles]);
  const hint =
    near === undefined ? `it has ${firstFew(names, maxNames)}` : `did you mean "${near}"?`;
  return `run ${run} has no task "${text}"${names.length === 0 ? "" : `; ${hint}`}`;
}
