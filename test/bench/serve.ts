// `pipeloom serve` at rest with 1,000 schedules, and how long after its time a run begins.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

import { restCpuMsOf } from "./child.ts";
import { atMost, figure, type Figure, median } from "./figure.ts";
import type { Benchmark, Kit } from "./kit.ts";

const files = 200;
const perFile = 5;

/** Due in January, so that nothing runs while it is measured. */
const sourceOf = (file: number): string => `
import { pipeline, task } from "pipeloom";
const work = task({ name: "work", run: () => 1 });
const schedule = { cron: "${file % 60} 4 1 1 *", tz: "Europe/Berlin" };
${Array.from({ length: perFile }, (_, index) => `export const p${index} = pipeline({ name: "p${file}-${index}", schedule, tasks: () => work() });`).join("\n")}
`;

class Serve implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  #log = "";

  constructor(kit: Kit, folder: string) {
    this.#child = Bun.spawn([kit.exe, "serve", "--port", "0"], {
      cwd: kit.path(folder),
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    void this.#read();
  }

  /** So many lines of the log have the text. */
  async until(text: string, lines: number): Promise<void> {
    while (this.#log.split(text).length <= lines) await Bun.sleep(100);
  }

  get cpuMs(): number {
    return restCpuMsOf(this.#child.pid);
  }

  get rssMb(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stderr) this.#log += decoder.decode(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.exited;
  }
}

async function atRest(kit: Kit): Promise<Figure[]> {
  mkdirSync(kit.path("schedules"));
  for (let file = 0; file < files; file++) {
    writeFileSync(kit.path(`schedules/f${file}.ts`), sourceOf(file));
  }
  await using serve = new Serve(kit, "schedules");
  await serve.until(": served from ", files * perFile);
  // The first minute has the looks that follow the start.
  await Bun.sleep(kit.size(60_000, 5_000));
  const seconds = kit.size(120, 35);
  const before = serve.cpuMs;
  await Bun.sleep(seconds * 1000);
  const percent = (serve.cpuMs - before) / (seconds * 10);
  return [
    figure({
      name: `serve at rest, ${files * perFile} schedules`,
      unit: "MB",
      value: serve.rssMb,
      limit: 80,
      limitName: "80 MB",
      target: atMost(80),
    }),
    figure({
      name: `serve at rest, ${files * perFile} schedules`,
      unit: "% of a core",
      value: percent,
      limit: 0.1,
      limitName: "0.1 % of a core",
      target: atMost(0.1),
      notes: [`the page is served, ${files} files are watched, over ${seconds} s`],
    }),
  ];
}

type Row = { readonly slot: string; readonly started: string };

async function startDelay(kit: Kit): Promise<Figure> {
  mkdirSync(kit.path("often"));
  const source = sourceOf(0).replace(/cron: .*/, 'every: "2s" };');
  writeFileSync(kit.path("often/often.ts"), source.split("\n").slice(0, 5).join("\n"));
  const runs = kit.size(15, 5);
  {
    await using serve = new Serve(kit, "often");
    await serve.until(" done in ", runs);
  }
  const rows = kit.query<Row>(
    "often/pipeloom.db",
    "SELECT scheduled_for AS slot, started_at AS started FROM pipeline_runs WHERE status = 'done'",
  );
  const delays = rows.map(({ slot, started }) => Date.parse(started) - Date.parse(slot));
  const byHand: number[] = [];
  for (let run = 0; run < runs; run++) {
    const db = `often/by-hand-${run}.db`;
    const at = Date.now();
    await kit.pipeloom(["run", "often/often.ts:p0", "--db", db, "-q"]);
    const [row] = kit.query<Row>(db, "SELECT started_at AS started FROM pipeline_runs");
    byHand.push(Date.parse(row?.started ?? "") - at);
  }
  return figure({
    name: "from a slot to the start of its run",
    unit: "ms",
    value: median(delays),
    limit: median(byHand),
    limitName: "pipeloom run, typed",
    target: atMost(200),
    notes: [`the fastest ${Math.min(...delays)} ms, the slowest ${Math.max(...delays)} ms`],
  });
}

export const serve: Benchmark = {
  name: "serve",
  about: "serve at rest with 1,000 schedules, and the delay of a slot",
  slow: true,
  async run(kit) {
    return [await startDelay(kit), ...(await atRest(kit))];
  },
};
