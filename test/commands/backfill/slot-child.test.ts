// What is read of a child's lines: its own complaint is the last thing that it says.

import { expect, test } from "bun:test";

import { startSlotChild } from "../../../src/commands/backfill/slot-child.ts";

test.skipIf(process.platform === "win32").each([
  ["error: no such file\n  to make one: pipeloom init\n", "no such file"],
  // A task has written it, and the run says how it ended.
  ["error: row 7 is odd\n✖ posts failed: 0 of 1 task done\n  ✖ load: no\n", undefined],
  ["error: row 7 is odd\nerror: the slot is taken\n\n", "the slot is taken"],
  ["✖ posts failed\n", undefined],
])("of %j", async (said, complaint) => {
  const lines: string[] = [];
  const child = startSlotChild({
    command: ["sh", "-c", 'cat >&2 && exit "$CODE"'],
    cwd: "/",
    env: { PATH: process.env["PATH"], CODE: "3" },
    stdin: said,
    onLine: (line) => lines.push(line),
  });
  expect(await child.ended).toMatchObject({ code: 3, signal: null, complaint });
  expect(lines).toEqual(said.replace(/\n$/, "").split("\n"));
});
