// What serve says where nobody reads it.

import { expect, test } from "bun:test";

import { ServeOutput } from "../../src/commands/serve-output.ts";
import type { Sink } from "../../src/terminal/sinks.ts";

test("messages are left out while too many wait for the reader, which is told when it reads again", () => {
  let isBehind = false;
  const written: string[] = [];
  const sink: Sink = {
    write: (text) => void written.push(text),
    behind: () => (isBehind ? Promise.resolve() : undefined),
    written: () => Promise.resolve(),
  };
  const output = new ServeOutput(sink);
  output.write("a\n");
  isBehind = true;
  output.write("b\n");
  output.write("c\n");
  isBehind = false;
  output.write("d\n");
  output.write("e\n");
  expect(written).toEqual(["a\n", "… 2 messages left out: nobody read this log\n", "d\n", "e\n"]);
});
