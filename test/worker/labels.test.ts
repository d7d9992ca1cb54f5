import { expect, test } from "bun:test";

import type { Clock } from "../../src/base/clock.ts";
import { Mask } from "../../src/protocol/mask.ts";
import { Labels } from "../../src/worker/labels.ts";
import { definition } from "../support/nodes.ts";

class Rig {
  ms = 0;
  readonly said: string[] = [];
  readonly labels: Labels;

  constructor(secrets: Readonly<Record<string, string>> = {}) {
    const clock: Pick<Clock, "now"> = { now: () => this.ms };
    this.labels = new Labels({
      clock: clock as Clock,
      mask: Mask.of(Object.keys(secrets), secrets),
      say: (task, line) => this.said.push(`${task}: ${line}`),
    });
  }

  of(label: (input: never) => unknown, input = '{"day":1}'): string | undefined {
    const labelled = definition("load", { label: label as (input: never) => string });
    return this.labels.of(labelled, input);
  }
}

const nextDay = (input: { day: number }): string => `day ${input.day++}`;
function dayOnly({ day }: { day: number | null }): string {
  if (day === null) throw new TypeError("no day");
  return String(day);
}

test("the label of an input, which the function may change", () => {
  const rig = new Rig();
  expect([rig.of(nextDay), rig.of(nextDay)]).toEqual(["day 1", "day 1"]);
  expect(rig.of(() => "")).toBe("");
  expect(rig.of(() => "x".repeat(1e6))).toBe(`${"x".repeat(200)}…`);
  expect(rig.labels.of(definition("none"), "null")).toBeUndefined();
  expect(rig.said).toEqual([]);
});

test("a label that fails, or is no text, is said; others of the definition are made all the same", async () => {
  const rig = new Rig();
  expect(rig.of(dayOnly, '{"day":null}')).toBeUndefined();
  expect(rig.of(dayOnly)).toBe("1");
  expect(rig.of(() => 7)).toBeUndefined();
  // An unhandled rejection would fail this test, as it would fail the task.
  expect(rig.of(async () => Promise.reject(new Error("later")))).toBeUndefined();
  await Bun.sleep(0);
  const instead = "such tasks are shown by their inputs";
  expect(rig.said).toEqual([
    `load: the \`label\` of task "load" failed: no day; ${instead}`,
    `load: the \`label\` of task "load" returned a number, not text; ${instead}`,
    `load: the \`label\` of task "load" returned a Promise, not text; ${instead}`,
  ]);
});

test("a slow label is not called any more", () => {
  const rig = new Rig();
  let calls = 0;
  const takes = (ms: number) => (): string => {
    rig.ms += ms;
    calls++;
    return "x";
  };
  for (let i = 0; i < 10_000; i++) rig.of(takes(1));
  expect(calls).toBe(10_000);
  for (let i = 0; i < 100; i++) rig.of(takes(21));
  expect(calls).toBe(10_011);
  expect(rig.said).toEqual([
    'load: the `label` of task "load" is slow, and is not called any more; such tasks are shown by their inputs',
  ]);
});

test("secrets are masked in labels, also where the label is cut", () => {
  const rig = new Rig({ TOKEN: "swordfish" });
  expect(rig.of(() => "a swordfish")).toBe("a ***");
  for (let at = 180; at < 205; at++)
    expect(rig.of(() => `${"x".repeat(at)}swordfish`)).toMatch(/^x+\**…?$/);
  expect(rig.of(() => "swordfish".repeat(1e5))).toMatch(/^\**…?$/);
});
