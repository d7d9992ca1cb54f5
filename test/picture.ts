// Makes .github/demo.svg, the picture at the top of the README, from a real run of the executable.
//
//   bun run picture

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPty } from "./support/pty.ts";
import type { Shot } from "./support/svg.ts";
import { animatedSvg } from "./support/svg.ts";

const size = { columns: 80, rows: 9 };
const args = ["demo", "-n", "10", "--workers", "2", "--concurrency", "4", "--step-ms", "40-90"];
const everyMs = 100;

const cwd = mkdtempSync(join(tmpdir(), "pipeloom-picture-"));
const shots: Shot[] = [{ at: 0, rows: [] }];
const pty = openPty(args, {
  ...size,
  cwd,
  env: { COLORTERM: "truecolor" },
  onScreen(screen, at) {
    const last = shots.at(-1);
    // The picture begins with the prompt alone, and what follows within a frame's time belongs to it.
    const before = last !== undefined && at - last.at < everyMs / 2 ? shots.pop() : undefined;
    shots.push({ at: before?.at ?? at, rows: screen.runs() });
  },
});
const code = await pty.exited;
if (code !== 0) throw new Error(`the demo ended with ${code}\n${pty.screen.screen().join("\n")}`);
await pty[Symbol.asyncDispose]();
rmSync(cwd, { recursive: true, force: true });

const file = join(import.meta.dir, "../.github/demo.svg");
const svg = animatedSvg(shots, { ...size, prompt: "pipeloom demo -n 10", holdMs: 3000 });
await Bun.write(file, svg);
console.log(`${file}: ${shots.length} frames, ${Math.round(svg.length / 1024)} KB`);
