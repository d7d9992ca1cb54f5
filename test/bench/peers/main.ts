// `bun run peers`: pipeloom beside programs that do a part of what it does. Each has its own promises:
//
// - graphile-worker (PostgreSQL) and BullMQ (Redis) are queues for many machines and for programs that run for months;
//   their servers run already when the clock starts. pipeloom is for one machine, and plainjob (SQLite) too.
// - graphile-worker deletes a task that is done. The others keep it: pipeloom with its result, times and worker.
// - Of the four, only pipeloom stores a task's rows and its `done` in one transaction; with the others a crash in between
//   runs the task again. plainjob's tasks write rows themselves, in its only thread, which costs less than to send them to a
//   writer. BullMQ's tasks have no table, so there is nothing to compare.
// - pipeloom and graphile-worker store many tasks in one transaction, and plainjob each on its own.
//
// Each is set up for throughput as its documentation says (see programs/), and measured twice: so that what is done
// survives a power cut (pipeloom's default; PostgreSQL's `synchronous_commit = on`; Redis' `appendfsync always`; SQLite's
// `synchronous = FULL`), and so that it survives the end of the program only (`--durability normal`; `off`; `everysec`,
// which BullMQ recommends; `NORMAL`, which plainjob sets). pipeloom has 2 workers; the others one process, and their
// server, if they have one, has the second core. Tried by hand: a second process gave graphile-worker up to a quarter more
// tasks, and BullMQ and plainjob nothing.
//
// The clock runs from the first task enqueued to the last one stored as done. The start of a program is measured on its
// own, as a command that runs one task.
//
// measured.json has the five rounds that were completed, three in the one direction and two in the other, while most other
// programs of the machine were stopped. Three later ones were given up, unrecorded, because they exceeded their time: in one,
// plainjob needed 153 s for what had taken 13. Why was not found out; it syncs each task on its own, so a slow disk shows most.
//
// Prefect is not among them: it needs Python's packages, which the machine of measured.json could not install.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { Kit } from "../kit.ts";
import { chart, chartFile } from "./chart.ts";
import { findPostgres, findRedis, install, nodeOf, versionOf } from "./install.ts";
import {
  measuredFile,
  type Report,
  reportTable,
  resultsOf,
  sentence,
  type Taken,
  type WorkName,
} from "./measured.ts";
import { peerNames, pipeloom, plainjob, served, type Side, type Work } from "./sides.ts";

const help = `bun run peers [flags]

  --rounds <n>      how often each is measured, in turn (default: 3)
  --only <name,…>   only these: ${peerNames.join(", ")}
  --quick           a tenth of the tasks: to see that all works
  --folder <dir>    install the peers there and keep them (default: a temporary folder)
  --samples <file>  add what is measured to this file, and take the medians over all of it
  --save            write measured.json and .github/peers.svg
  --exe <file>      the executable (default: dist/pipeloom)
`;

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: peerNames.join(",") },
    quick: { type: "boolean", default: false },
    folder: { type: "string" },
    samples: { type: "string" },
    save: { type: "boolean", default: false },
    exe: { type: "string", default: resolve(import.meta.dir, "../../../dist/pipeloom") },
    help: { type: "boolean", short: "h", default: false },
  },
});

const only = flags.only.split(",");
const scale = flags.quick ? 0.1 : 1;
const works: Readonly<Record<WorkName, Work>> = {
  tasks: { tasks: 50_000 * scale, rows: 0 },
  rows: { tasks: 500 * scale, rows: 1000 },
  first: { tasks: 1, rows: 0 },
};

async function measureAll(sides: readonly Side[], taken: Taken[]): Promise<void> {
  const before = roundsOf(taken);
  for (let round = before; round < before + Number(flags.rounds); round++) {
    // Each round in the other direction, so that none always comes after the same.
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      for (const work of ["tasks", "rows", "first"] as const) {
        if (work === "rows" && !side.hasRows) continue;
        const { peer, promised } = side;
        const sample = await side.measure(works[work]);
        taken.push({ peer, promised, work, ...sample });
        console.error(`${peer}, ${promised}, ${work}: ${Math.round(sample.ms)} ms`);
      }
    }
  }
}

/** How often the side that was measured first has been measured. */
function roundsOf(taken: readonly Taken[]): number {
  const [first] = taken;
  return taken.filter(
    ({ peer, promised, work }) =>
      peer === first?.peer && promised === first.promised && work === first.work,
  ).length;
}

const firstLineOf = (command: string[]): string =>
  Bun.spawnSync(command).stdout.toString().trim().split("\n")[0] ?? "";

async function versions(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {
    pipeloom: firstLineOf([flags.exe, "--version"]),
    Bun: Bun.version,
    Node: firstLineOf([nodeOf(folder), "--version"]),
  };
  for (const name of ["graphile-worker", "bullmq", "plainjob"]) {
    found[name] = await versionOf(folder, name);
  }
  const [postgres, redis] = [findPostgres(), findRedis()];
  if (postgres !== undefined) found["PostgreSQL"] = firstLineOf([postgres, "--version"]);
  if (redis !== undefined) found["Redis"] = firstLineOf([redis, "--version"]);
  return found;
}

/** As people say it: "Intel Xeon". */
const processor = (): string =>
  (cpus()[0]?.model ?? "unknown").replaceAll(/\(R\)|\(TM\)|\bProcessor\b|\bCPU\b/g, "").trim();

async function reportOf(taken: readonly Taken[], folder: string): Promise<Report> {
  return {
    date: new Date().toISOString().slice(0, 10),
    repeat: "bun run peers",
    machine: {
      processor: processor(),
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 1e9),
      system: `${process.platform} ${release()} ${process.arch}`,
    },
    versions: await versions(folder),
    tasks: works.tasks.tasks,
    rowTasks: works.rows.tasks,
    rowsPerTask: works.rows.rows,
    rounds: roundsOf(taken),
    results: resultsOf(taken, {
      tasks: works.tasks.tasks,
      rows: works.rows.tasks * works.rows.rows,
    }),
  };
}

async function main(): Promise<void> {
  const unknown = only.find((name) => !peerNames.some((known) => known === name));
  if (unknown !== undefined)
    throw new Error(`no peer is called "${unknown}": ${peerNames.join(", ")}`);
  const folder = resolve(flags.folder ?? mkdtempSync(join(tmpdir(), "pipeloom-peers-")));
  try {
    console.error(`installing the peers in ${folder}`);
    await install(folder);
    using kit = new Kit(resolve(flags.exe), { quick: flags.quick, slow: false }, console.error);
    await using started = new AsyncDisposableStack();
    const wanted = (name: string): boolean => only.includes(name);
    const servers = await served(kit, folder, wanted, started);
    const sides = [...pipeloom(kit), ...servers.sides, ...plainjob(kit, folder)];
    const samples = flags.samples;
    const taken: Taken[] =
      samples !== undefined && existsSync(samples) ? await Bun.file(samples).json() : [];
    await measureAll(
      sides.filter(({ peer }) => wanted(peer)),
      taken,
    );
    if (samples !== undefined) await Bun.write(samples, JSON.stringify(taken));
    const report = await reportOf(taken, folder);
    console.log(`${reportTable(report)}\n\n${sentence(report)}`);
    for (const line of servers.missing) console.log(`not measured, ${line}`);
    if (!flags.save) return;
    await Bun.write(measuredFile, `${JSON.stringify(report, undefined, 2)}\n`);
    Bun.spawnSync([process.execPath, "fmt", measuredFile]);
    await Bun.write(chartFile, chart(report));
    console.log(`${measuredFile} and ${chartFile} are written; the README has the sentence above`);
  } finally {
    if (flags.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

if (flags.help) console.log(help);
else await main();
