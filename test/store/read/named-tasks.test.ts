// Tasks are found by their names without reading all of them, where the graph of the run says how many there are.

import { expect, test } from "bun:test";

import { runId } from "../../../src/protocol/ids.ts";
import type { RunGraph } from "../../../src/protocol/run-graph.ts";
import { openDatabase } from "../../../src/store/open-database.ts";
import { NamedTasks } from "../../../src/store/read/named-tasks.ts";
import { openReader } from "../../../src/store/read/reader.ts";
import { storedGraph } from "../../../src/store/read/stored-graph.ts";
import { noTask } from "../../../src/store/task-names.ts";
import { options } from "../write/options.ts";
import { tempFolder } from "../write/temp-folder.ts";

const run = runId(1);

/** Tasks of the definition `load`, by their names. `graph`: as it is stored. */
function fileWith(names: readonly string[], graph: unknown) {
  const folder = tempFolder();
  const path = folder.file("a.db");
  const db = openDatabase(options(path));
  const counts = { queued: 0, running: 0, done: names.length, error: 0, cancelled: 0, skipped: 0 };
  db.run(
    "INSERT INTO pipeline_runs (id, pipeline, params, status, started_at, counts, graph) VALUES (1, 'p', '{}', 'done', '', ?, ?)",
    [JSON.stringify(counts), typeof graph === "string" ? graph : JSON.stringify(graph)],
  );
  for (const [i, name] of names.entries()) {
    const key = `load:${i}`;
    db.run("INSERT INTO task_runs (run_id, id, name, key, status) VALUES (1, ?, ?, ?, 'done')", [
      i + 1,
      name,
      key,
    ]);
  }
  const reader = openReader(path);
  const tasks = () => new NamedTasks(reader, run, storedGraph(reader, run));
  return {
    db,
    /** Why there is no such task. */
    noTask: (text: string) => noTask(reader, run, text),
    ids: (name: string, byDefinition = false) => tasks().ids(name, 2, byDefinition),
    mayBeTitle: (text: string) => tasks().mayBeTitle(text),
    [Symbol.dispose]() {
      reader.close();
      db.close();
      folder[Symbol.dispose]();
    },
  };
}

const load = (tasks: number, names?: [string, number][], hasMoreNames?: true): RunGraph => ({
  nodes: [
    {
      id: "load",
      kind: "task",
      tasks,
      ...(names === undefined ? {} : { names }),
      ...(hasMoreNames === undefined ? {} : { hasMoreNames }),
    },
  ],
  edges: [],
});

test("what the graph does not have is not looked for, if it has all tasks of the file", () => {
  // As no pipeloom writes it: so it shows that no task is read.
  using whole = fileWith(["load", "hidden"], load(2));
  expect(whole.ids("hidden")).toEqual([]);
  expect(whole.ids("load")).toEqual([1]);
  using grown = fileWith(["load", "hidden"], load(1));
  expect(grown.ids("hidden")).toEqual([2]);
});

test("what a run has are the definitions of its tasks, not those that --only left out", () => {
  using file = fileWith(["load"], load(1));
  for (const name of ["load", "report"]) {
    file.db.run(
      "INSERT INTO pipeloom_definitions (run_id, name, fingerprint, repeats) VALUES (1, ?, '', 0)",
      [name],
    );
  }
  expect(file.noTask("xyz")).toBe('run 1 has no task "xyz"; it has load');
  expect(file.noTask("report")).toStartWith('run 1 has no task of "report": its plan did not');
});

test("a title is looked for where labels may be other than members of inputs, or a task may be unknown", () => {
  using members = fileWith(["load"], { ...load(1), labels: "members" });
  expect(["nope", "load nope", "load n=1", "n=…7"].map(members.mayBeTitle)).toEqual([
    false,
    false,
    true,
    true,
  ]);
  using other = fileWith(["load"], load(1));
  expect(other.mayBeTitle("nope")).toBe(true);
  using grown = fileWith(["load", "hidden"], { ...load(1), labels: "members" });
  expect(grown.mayBeTitle("nope")).toBe(true);
});

test("names of their own, and those of the definition", () => {
  using file = fileWith(
    ["load", "first", "second", "second"],
    load(4, [
      ["first", 1],
      ["second", 2],
    ]),
  );
  expect(file.ids("first")).toEqual([2]);
  expect(file.ids("second")).toEqual([3, 4]);
  expect(file.ids("load")).toEqual([1]);
  expect(file.ids("load", true)).toEqual([1, 2]);
  using many = fileWith(["hidden", "first"], load(2, [["first", 1]], true));
  expect(many.ids("hidden")).toEqual([1]);
});

test.each(["", "[]", "{", '{"nodes":[null,{"id":1},{"id":"load","kind":"task"}],"edges":[7]}'])(
  "a graph that pipeloom cannot have written: %s",
  (graph) => {
    using file = fileWith(["hidden"], graph);
    expect(file.ids("hidden")).toEqual([1]);
    expect(file.ids("nope")).toEqual([]);
  },
);
