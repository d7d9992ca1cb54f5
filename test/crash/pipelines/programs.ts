// Programs, and rows made from their output.

import { pipeline, sh, task } from "pipeloom";
import { note } from "./note.ts";

/** Fails where the same program still runs for an earlier attempt. It leaves a process in a session of its own. */
const script = (i: number): string => `
  if command -v flock >/dev/null; then exec 9>"$CRASH_SITE/lock-${i}"; flock -n 9 || exit 9; fi
  if command -v setsid >/dev/null; then setsid sleep 60 >/dev/null 2>&1 & fi
  sleep 0.0${i % 5}; printf '%s\\n%s\\n' 'line ${i}' more`;

const print = sh<{ i: number }>({
  name: "print",
  shell: true,
  command: ({ i }) => script(i),
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
