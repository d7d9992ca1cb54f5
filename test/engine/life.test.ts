import { expect, test } from "bun:test";

import { Life } from "../../src/engine/life.ts";
import { started } from "./engine-parts.ts";

const stop = { status: "cancelled", failure: null } as const;

test("a run opens, runs, closes and finishes, and dispatches only while it runs", () => {
  const life = new Life();
  const seen: unknown[] = [];
  const look = (): unknown => seen.push([life.stage, life.mayDispatch, life.isEnding]);
  look();
  life.begin(started);
  look();
  life.close({ queued: 3, interrupted: 1 });
  look();
  expect(life.finish()).toMatchObject({ started, queued: 3, interrupted: 1 });
  look();
  expect(seen).toEqual([
    ["opening", false, false],
    ["running", true, false],
    ["closing", false, true],
    ["finished", false, true],
  ]);
});

test("a run that was stopped while it opened begins, and dispatches nothing", () => {
  const life = new Life();
  life.endEarly(stop);
  life.begin(started);
  expect([life.stage, life.stop, life.mayDispatch]).toEqual(["running", stop, false]);
});

test("what is out of order is a bug, and says which", () => {
  const life = new Life();
  expect(() => life.close({ queued: 0, interrupted: 0 })).toThrow(
    "Internal error: a run that is opening closes",
  );
  expect(() => life.finish()).toThrow("Internal error: a run that is opening finishes");
  life.begin(started);
  expect(() => life.begin(started)).toThrow("Internal error: a run that is running begins");
});
