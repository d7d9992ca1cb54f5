// What `--dry-run` draws: in the direction of the flow, a fan-out in one line, at any width.

import { describe, expect, test } from "bun:test";

import type { AnyNode } from "../../src/api/node.ts";
import type { Pipeline } from "../../src/api/pipeline.ts";
import { planOf } from "../../src/plan/dry-plan.ts";
import { Selection } from "../../src/plan/selection.ts";
import { PlanError } from "../../src/plan/plan-error.ts";
import type { PlanFormat } from "../../src/terminal/plan-formats.ts";
import { renderPlan } from "../../src/terminal/plan-text.ts";
import { fan as each, node } from "../support/nodes.ts";

const newTask =
  (name: string) =>
  (input?: unknown, after?: AnyNode[]): AnyNode =>
    node(name, input, after && { after });
const list = newTask("list-days");
const load = newTask("load-day");
const check = newTask("check");
const report = newTask("report");

const pipelineOf = (tasks: () => unknown): Pipeline =>
  ({ name: "etl", pools: new Map(), origin: null, tasks }) as unknown as Pipeline;

async function drawn(
  tasks: () => unknown,
  columns = Number.POSITIVE_INFINITY,
  format: PlanFormat = "tree",
): Promise<string[]> {
  const plan = await planOf(pipelineOf(tasks), {}, undefined);
  const text = renderPlan(
    { ...plan, next: { kind: "new", tasks: [], reuse: [] } },
    format,
    columns,
  );
  return text.replace(/\n\nA new run.*\n/, "").split("\n");
}

const days = Array.from({ length: 365 }, (_, day) => day);

const checkedDay = (day: unknown) =>
  check({ n: load({ day }), m: newTask("a task with a long name")({ list: list({ day }) }) });

describe("the tree", () => {
  test("a fan-out over a list is one line, with the tasks of its items", async () => {
    expect(
      await drawn(() => report({ n: each(days, (day) => check({ n: load({ day }) })) })),
    ).toEqual(["etl: 731 tasks", "", "each of 365 items: load-day → check", "└─ report"]);
  });

  test("a fan-out over a result shows what an item becomes, by a stand-in", async () => {
    const tree = await drawn(() =>
      report({
        n: each(list(), (day) =>
          load({ day: (day as { date: string }).date, at: `on ${String(day)}` }),
        ),
      }),
    );
    expect(tree).toEqual([
      "etl: 2 tasks, and what the fan-outs become",
      "",
      "list-days",
      "└─ each item of the list: load-day",
      "   └─ report",
    ]);
  });

  test.each([
    [
      "works",
      (day: unknown) => load((day as { parts: string[] }).parts.map((part) => new Date(part))),
    ],
    ["fails", () => JSON.parse("{")],
    [
      "never ends",
      (day: unknown) => {
        for (let at = day as { next: unknown }; at.next; at = at.next as never);
      },
    ],
  ] as [string, (day: unknown) => unknown][])(
    "a function that %s with a stand-in ends",
    async (_, item) => {
      const lines = await drawn(() => each(list(), item));
      expect(lines[0]).toBe("etl: 1 task, and what the fan-outs become");
      expect(lines[3]).toStartWith("└─ each item of the list");
    },
  );

  test("the error of a function over a known list is that of a run", async () => {
    const thrown: unknown = await drawn(() =>
      each([1, 2], (n) => (n === 1 ? load({ n }) : undefined)),
    ).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(PlanError);
    expect(String(thrown)).toContain("item 1: the function returned nothing");
  });

  test("items of several kinds, and fan-outs within fan-outs", async () => {
    const kinds = each(days, (day) => (Number(day) % 5 === 0 ? check({ day }) : load({ day })));
    const nested = each([1, 2, 3], () => each([1, 2], (n) => load({ n })));
    expect(await drawn(() => [report({ kinds }), report({ nested })])).toEqual([
      "etl: 373 tasks",
      "",
      "each of 365 items: 73 × check, 292 × load-day",
      "└─ report",
      "each of 3 items: [each of 2 items: load-day]",
      "└─ report",
    ]);
  });

  test("equal branches are one line, joins come below the last of them", async () => {
    const loads = [1, 2, 3].map((day) => load({ day: check({ day }) }));
    const days7 = list();
    const last = list(undefined, [days7]);
    expect(await drawn(() => [report({ loads, days7 }), last])).toEqual([
      "etl: 9 tasks",
      "",
      "list-days",
      "└─ list-days (only after list-days, without its result)",
      "check × 3",
      "└─ load-day × 3",
      "   └─ report (also needs list-days)",
    ]);
  });

  test("a chain of thousands is one line", async () => {
    let last = load();
    for (let i = 1; i < 5000; i++) last = load({ last });
    expect(await drawn(() => [report({ last })])).toEqual([
      "etl: 5,001 tasks",
      "",
      "load-day, 5,000 in a row",
      "└─ report",
    ]);
  });

  test.each([40, 80, 200])("no line is wider than %d columns", async (columns) => {
    const lines = await drawn(() => report({ n: each(list(), checkedDay) }), columns);
    for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
    expect(lines.join(" ").replaceAll(/[│└─\s]+/g, " ")).toContain(
      "(load-day, list-days → a task with a long name) → check",
    );
  });
});

const twoDays = () => report({ n: each([1, 2], (day) => check({ n: load({ day }) })) });

test("Mermaid and Graphviz draw the items between the fan-out and what follows", async () => {
  expect(await drawn(twoDays, 80, "mermaid")).toEqual([
    "flowchart LR",
    '  n1{{"each of 2 items"}}',
    '  n2["load-day × 2"]',
    '  n3["check × 2"]',
    '  n4["report"]',
    "  n1 --> n2",
    "  n2 --> n3",
    "  n3 --> n4",
    "",
  ]);
  const dot = await drawn(twoDays, 80, "dot");
  expect(dot.filter((line) => line.includes("->"))).toEqual([
    "  n1 -> n2;",
    "  n2 -> n3;",
    "  n3 -> n4;",
  ]);
});

/** With `--only day=7`. */
async function partOf(tasks: () => unknown): Promise<string> {
  const selection = new Selection({ members: new Map([["day", ["7"]]]), titles: [] }, true);
  const plan = await planOf(pipelineOf(tasks), {}, selection);
  const next = { kind: "new", tasks: [], reuse: [] } as const;
  return renderPlan({ ...plan, next }, "tree", Number.POSITIVE_INFINITY);
}

test("--only: of a list that is a result, what each item would become is shown", async () => {
  const text = await partOf(() => check(each(list({}), checkedDay)));
  expect(text).toContain("each item of the list: (load-day, ");
  expect(text).toContain("only day=7: which items these are is known only during the run");
  expect(text).toEndWith("A new run would begin: these tasks run.\n");
});

test("--only: of a list that is known, the selected tasks", async () => {
  const text = await partOf(() => days.map((day) => load({ day: String(day) })));
  expect(text).toStartWith("etl: 1 task\n");
  expect(text).toContain("only day=7: 1 task is selected\n");
});
