// The standard streams of the process are not made where they are not used: it takes milliseconds in each thread.

import { expect, test } from "bun:test";
import { join } from "node:path";

const base = join(import.meta.dir, "../../src/base");

const isParse = (line: string): boolean => line.startsWith("Parsed ");

/** How many functions the runtime compiles for a script whose outputs are pipes, and what it says. */
async function compiledFor(script: string): Promise<{ parses: number; text: string }> {
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: { ...process.env, BUN_JSC_reportParseTimes: "1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const lines = said.join("").split("\n");
  return {
    parses: lines.filter(isParse).length,
    text: lines.filter((line) => line !== "" && !isParse(line)).join("\n"),
  };
}

const capture = `
import { capturePrints } from ${JSON.stringify(join(base, "captured-prints.ts"))};
const lines = [];
capturePrints({ print: (_, text) => lines.push(text), write: (_, text) => lines.push(text) });
`;

test("the prints of a Worker are captured without a stream, until one is used", async () => {
  const without = await compiledFor(capture);
  const printed = await compiledFor(
    `${capture} process.stdout.write("a"); process.stderr.write("b"); require("node:fs").writeSync(1, lines + "\\n");`,
  );
  expect(printed.text).toBe("a,b");
  expect(without.parses).toBeLessThan(printed.parses / 2);
});

test("a pipe is no terminal, and no stream is made to know it", async () => {
  const script = `
import { shownOn } from ${JSON.stringify(join(base, "streams.ts"))};
require("node:fs").writeSync(1, JSON.stringify([shownOn("stdout"), shownOn("stderr")]) + "\\n");
`;
  const asked = await compiledFor(script);
  const streams = await compiledFor(`${script} process.stdout.isTTY; process.stderr.isTTY;`);
  expect(asked.text).toBe('[{"isTTY":false},{"isTTY":false}]');
  expect(asked.parses).toBeLessThan(streams.parses / 2);
});
