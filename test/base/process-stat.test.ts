import { expect, test } from "bun:test";

import { processStat } from "../../src/base/process-stat.ts";

const onLinux = test.skipIf(process.platform !== "linux");

onLinux("this process runs, and its parent is known", () => {
  const stat = processStat(process.pid);
  expect(stat).toMatchObject({ parent: process.ppid, runs: true });
  expect(stat?.startTicks).toMatch(/^\d+$/);
});

onLinux("a command name with blanks and brackets moves no field", async () => {
  // The shell names itself: $0 is not the name in /proc.
  const script = `printf 'a) Z 1 2' > /proc/self/comm; cat /proc/$$/stat >&2; read -r _`;
  await using child = Bun.spawn(["/bin/bash", "-c", script], { stdin: "pipe", stderr: "pipe" });
  const first = await child.stderr.getReader().read();
  expect(new TextDecoder().decode(first.value)).toContain("(a) Z 1 2)");
  expect(processStat(child.pid)).toMatchObject({ parent: process.pid, runs: true });
});

onLinux("a process that has ended has none", async () => {
  const child = Bun.spawn(["/bin/true"]);
  await child.exited;
  expect(processStat(child.pid)).toBeUndefined();
});
