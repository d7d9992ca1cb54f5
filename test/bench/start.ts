// Start-up time and download size.

import { statSync } from "node:fs";

import { atMost, figure, median, ratioAtMost } from "./figure.ts";
import type { Benchmark, Kit } from "./kit.ts";

/**
 * Bytecode of what a run, `status`, `runs`, `logs` and `why` load 2.25 MB, its names and texts 0.4 MB, program text 0.61 MB, that of
 * other modules 0.19 MB compressed, bytecode of the modules of Node that they load 0.27 MB, the kit of `init` 0.37 MB, BullMQ 0.22
 * MB, the page's app 0.07 MB, the guide and SQL 0.04 MB. Without bytecode a run of 3 tasks takes twice the CPU time; with bytecode of
 * top-level code only 40 % more; with that of functions which are not in others 11 % more.
 */
const allowedMb = 4.6;

export const start: Benchmark = {
  name: "start",
  about: "pipeloom --version and the executable's size, beside an empty compiled program",
  async run(kit) {
    const empty = await buildEmpty(kit);
    const ours: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < kit.size(60, 20); round++) {
      bare.push(startMs([empty]));
      ours.push(startMs([kit.exe, "--version"]));
    }
    const [size, emptySize] = [statSync(kit.exe).size / 1e6, statSync(empty).size / 1e6];
    return [
      figure({
        name: "pipeloom --version",
        unit: "ms",
        value: median(ours),
        limit: median(bare),
        limitName: "an empty program",
        target: ratioAtMost(1.5),
        notes: [
          `the fastest: ${Math.min(...ours).toFixed(1)} ms, empty ${Math.min(...bare).toFixed(1)} ms`,
        ],
      }),
      figure({
        name: "the executable",
        unit: "MB",
        value: size,
        limit: emptySize,
        limitName: "an empty program",
        target: atMost(emptySize + allowedMb),
        notes: [`${(size - emptySize).toFixed(2)} MB more than empty, of ${allowedMb}`],
      }),
    ];
  },
};

async function buildEmpty(kit: Kit): Promise<string> {
  const outfile = kit.path(process.platform === "win32" ? "empty.exe" : "empty");
  const entry = kit.path("empty.ts");
  await Bun.write(entry, "");
  await Bun.build({
    entrypoints: [entry],
    compile: { outfile },
    target: "bun",
    format: "esm",
    minify: true,
    bytecode: true,
  });
  return outfile;
}

function startMs(command: string[]): number {
  const began = performance.now();
  const { exitCode } = Bun.spawnSync(command, { stdout: "pipe", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} exited with ${exitCode}`);
  return performance.now() - began;
}
