import { expect, test } from "bun:test";

import {
  creditCells,
  Credits,
  creditsOf,
  maxCredits,
} from "../../../src/protocol/shared/credits.ts";
import { WorkerMemory } from "../../../src/protocol/shared/worker-memory.ts";

test("what is spent and not given back is outstanding, also past 2^31", () => {
  const cells = new Int32Array(new SharedArrayBuffer(creditCells * Int32Array.BYTES_PER_ELEMENT));
  cells[1] = 2 ** 31 - 1;
  cells[2] = 2 ** 31 - 1;
  const credits = new Credits(cells);
  credits.spend(3);
  expect(credits.outstanding()).toBe(3);
  credits.giveBack(2);
  expect(credits.outstanding()).toBe(1);
  expect(credits.sent()).toBe(1);
});

test("waitForRoom returns at once while there is room", () => {
  const { credits } = WorkerMemory.create(1);
  credits.spend(maxCredits - 1);
  expect(credits.hasRoom).toBe(true);
  credits.waitForRoom();
  expect(credits.outstanding()).toBe(maxCredits - 1);
  credits.spend(1);
  expect(credits.hasRoom).toBe(false);
});

test.each([
  [0, 1],
  [32 * 1024 - 1, 1],
  [32 * 1024, 2],
  [64 * 1024 * 1024, 2049],
])("a message of %i characters costs %i credits", (chars, credits) => {
  expect(creditsOf(chars)).toBe(credits);
});
