// Programs, and rows made from their output.

import { pipeline, sh, task } from "pipeloom";
import { note } from "./note.ts";

const print = sh<{ i: number }>({
  name: "print",
  command: ({ i }) => ["printf", "%s\n%s\n", `line ${i}`, "more"],
  output: "lines",
});
const keep = task({
  name: "keep",
  async run({ lines, i }: { lines: string[]; i: number }, ctx) {
    await ctx.insert(
      "printed",
      lines.map((line) => ({ i, line })),
    );
    return lines.length;
  },
});

export default pipeline({
  name: "programs",
  schema: "CREATE TABLE IF NOT EXISTS printed (i INTEGER, line TEXT)",
  onTaskFinish: note,
  tasks: () => Array.from({ length: 12 }, (_, i) => keep({ lines: print({ i }), i })),
});
