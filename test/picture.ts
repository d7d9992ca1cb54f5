// Makes .github/demo.svg, the picture at the top of the README, from a real session in a shell: a run, kill -9, the same
// command again, and the rows.
//
//   bun run picture

import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executable } from "./support/program.ts";
import { openPty } from "./support/pty.ts";
import type { Shot } from "./support/svg.ts";
import { animatedSvg } from "./support/svg.ts";

const size = { columns: 80, rows: 20 };
const everyMs = 200;
const run = "pipeloom run orders.ts --workers 2 --concurrency 4";
const query = 'pipeloom query "SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids FROM orders"';

const cwd = mkdtempSync(join(tmpdir(), "pipeloom-picture-"));
cpSync(join(import.meta.dir, "fixtures/picture/orders.ts"), join(cwd, "orders.ts"));
symlinkSync(executable, join(cwd, "pipeloom"));

const shots: Shot[] = [];
const shell = openPty(["--norc", "--noprofile", "--noediting", "-i"], {
  program: ["bash"],
  ...size,
  cwd,
  env: { COLORTERM: "truecolor", PATH: `${cwd}:${process.env["PATH"]}`, PS1: "$ " },
  onScreen(screen, at) {
    const last = shots.at(-1);
    // What follows within a frame's time belongs to the frame.
    const before = last !== undefined && at - last.at < everyMs / 2 ? shots.pop() : undefined;
    shots.push({ at: before?.at ?? at, rows: screen.runs() });
  },
});

const lines = (): string[] => shell.screen.screen();
const count = (text: string): number => lines().filter((line) => line.includes(text)).length;
const isPrompt = (): boolean =>
  lines()
    .findLast((line) => line !== "")
    ?.trimEnd() === "$";

async function enter(command: string): Promise<void> {
  await shell.until(isPrompt, "the prompt");
  shell.type(command);
  await Bun.sleep(700);
  shell.type("\r");
}

await shell.until(isPrompt, "the first prompt");
const bash = shell.pid();
await enter(run);
await shell.until(() => /\b(9|1\d)\/24\b/.test(lines().join("\n")), "9 tasks are done");
const pid = Number(await Bun.$`pgrep -P ${bash}`.text());
process.kill(pid, "SIGKILL");
await shell.until(() => count("Killed") > 0, "the shell says so");
await enter(run);
await shell.until(() => count("24 of 24") > 0, "the run is done");
await enter(query);
await shell.until(() => count("1200") > 0, "the rows");
await Bun.sleep(everyMs);
await shell[Symbol.asyncDispose]();
rmSync(cwd, { recursive: true, force: true });

const start = shots[0]?.at ?? 0;
const film = shots.map(({ at, rows }) => ({ at: at - start, rows }));
const file = join(import.meta.dir, "../.github/demo.svg");
const label =
  "pipeloom runs tasks, is killed, continues where it stopped, and every row is there once";
const svg = animatedSvg(film, { ...size, label, holdMs: 4000 });
await Bun.write(file, svg);
console.log(`${file}: ${shots.length} frames, ${Math.round(svg.length / 1024)} KB`);
console.log(lines().join("\n"));
