// `bun run bench`: pipeloom's cost, each figure with a limit measured in the same run. A missed target does not fail
// the benchmark; a wrong result does.

import { cpus, loadavg } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

import { cpu, sleep } from "./busy.ts";
import { continued, continuedLong } from "./continued.ts";
import { csv } from "./csv.ts";
import { display, drawing } from "./display.ts";
import type { Figure } from "./figure.ts";
import { chain, fan, plan } from "./graph.ts";
import { history } from "./history.ts";
import { type Benchmark, Kit } from "./kit.ts";
import { lock } from "./lock.ts";
import { long } from "./long.ts";
import { machines } from "./machines.ts";
import { memory, noop } from "./noop.ts";
import { page } from "./page.ts";
import { progress } from "./progress.ts";
import { table } from "./report.ts";
import { manyRows, pour, readers, rows } from "./rows.ts";
import { serve } from "./serve.ts";
import { start } from "./start.ts";

const benchmarks: readonly Benchmark[] = [
  noop,
  memory,
  long,
  continued,
  progress,
  cpu,
  sleep,
  start,
  lock,
  display,
  drawing,
  chain,
  fan,
  plan,
  rows,
  readers,
  csv,
  manyRows,
  pour,
  history,
  page,
  serve,
  machines,
  continuedLong,
];

const help = `bun run bench [flags]

  --only <name,…>  only these: ${benchmarks.map(({ name }) => name).join(", ")}
  --quick          smaller sizes, fewer rounds: to see that all works
  --slow           also those that take minutes: ${benchmarks
    .filter(({ slow }) => slow === true)
    .map(({ name }) => name)
    .join(", ")}
  --json           the figures as JSON on stdout
  --exe <file>     the executable (default: dist/pipeloom)
  --list           what there is
`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    quick: { type: "boolean", default: false },
    slow: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    exe: { type: "string", default: resolve(import.meta.dir, "../../dist/pipeloom") },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

function chosen(): readonly Benchmark[] {
  const wanted = flags.only.flatMap((list) => list.split(","));
  const unknown = wanted.find((name) => !benchmarks.some((benchmark) => benchmark.name === name));
  if (unknown !== undefined) throw new Error(`no benchmark is called "${unknown}"; see --list`);
  return wanted.length === 0
    ? benchmarks.filter(({ slow }) => flags.slow || slow !== true)
    : benchmarks.filter(({ name }) => wanted.includes(name));
}

const load = (): string =>
  loadavg()
    .map((average) => average.toFixed(1))
    .join(" ");

function machine(exe: string) {
  const [first] = cpus();
  const version = Bun.spawnSync([exe, "--version"]).stdout.toString().trim();
  return {
    pipeloom: version,
    bun: Bun.version,
    system: `${process.platform} ${process.arch}`,
    cores: cpus().length,
    processor: first?.model ?? "unknown",
  };
}

async function bench(): Promise<void> {
  const exe = resolve(flags.exe);
  const about = machine(exe);
  const loadBefore = load();
  const figures: (Figure & { readonly benchmark: string })[] = [];
  for (const benchmark of chosen()) {
    const began = performance.now();
    console.error(`${benchmark.name}: ${benchmark.about}`);
    using kit = new Kit(exe, flags, (line) => console.error(line));
    for (const figure of await benchmark.run(kit)) {
      figures.push({ benchmark: benchmark.name, ...figure });
    }
    console.error(`  ${((performance.now() - began) / 1000).toFixed(1)} s, load ${load()}`);
  }
  if (flags.json) {
    console.log(JSON.stringify({ ...about, loadBefore, loadAfter: load(), figures }, undefined, 2));
    return;
  }
  const short = figures.filter(({ ok }) => !ok).length;
  console.log(`
${about.pipeloom}, Bun ${about.bun}, ${about.system}, ${about.cores} × ${about.processor}
load before ${loadBefore}, after ${load()}${flags.quick ? "; --quick: sizes too small to judge by" : ""}

${table(figures)}

${figures.length} figures, ${short === 0 ? "none short" : `${short} short`}`);
}

if (flags.help) console.log(help);
else if (flags.list) for (const { name, about } of benchmarks) console.log(`${name}: ${about}`);
else await bench();
