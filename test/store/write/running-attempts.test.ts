import { expect, test } from "bun:test";
import { taskId } from "../../../src/protocol/ids.ts";
import { RunningAttempts } from "../../../src/store/write/running-attempts.ts";

const id = taskId(1);

test("the end of a later attempt counts, and ends the one that was lost with its thread", () => {
  const attempts = new RunningAttempts();
  attempts.start(id, 1);
  // Attempt 2 is short: it has no `started` record.
  expect(attempts.end(id, 2)).toBe(true);
  expect(attempts.isRunning(id, 1)).toBe(false);
});

test("the end of an earlier one, which was given up, does not", () => {
  const attempts = new RunningAttempts();
  attempts.start(id, 1);
  attempts.start(id, 2);
  expect(attempts.end(id, 1)).toBe(false);
  expect(attempts.isRunning(id, 2)).toBe(true);
});

test("what is not committed is as it was", () => {
  const attempts = new RunningAttempts();
  attempts.start(id, 1);
  attempts.keep();
  attempts.end(id, 2);
  attempts.revert();
  expect(attempts.isRunning(id, 1)).toBe(true);
});
