// Cost of the display: the same run with and without a terminal.

import { atMost, figure, interleave, medianOf, ratioAtMost, spreadOf } from "./figure.ts";
import { type Benchmark, type Kit, thousands } from "./kit.ts";

const terminal = { cols: 100, rows: 30 };
/** High enough for one line per task. */
const tall = { cols: 100, rows: 80 };

export const display: Benchmark = {
  name: "display",
  about: "short tasks with and without a terminal",
  async run(kit) {
    const tasks = kit.size(100_000, 20_000);
    const options = { params: { tasks }, flags: ["--workers", "2"] };
    const drop = async (run: ReturnType<Kit["run"]>) => {
      const measured = await run;
      kit.removeDb(measured.db);
      return measured;
    };
    const pairs = await interleave(
      kit.size(7, 2),
      async () => drop(kit.run("noop", { ...options, terminal })),
      async () => drop(kit.run("noop", options)),
    );
    const bytes = medianOf(pairs.subjects, (run) => run.terminalBytes);
    if (bytes < 1000) throw new Error("nothing was drawn");
    return [
      figure({
        name: `${thousands(tasks)} no-op tasks in a terminal`,
        unit: "ms",
        value: medianOf(pairs.subjects, (run) => run.runMs),
        limit: medianOf(pairs.limits, (run) => run.runMs),
        limitName: "without one",
        spread: spreadOf(
          pairs,
          (run) => run.runMs,
          (run) => run.runMs,
        ),
        target: ratioAtMost(1.03),
        cpu: {
          subject: (medianOf(pairs.subjects, (run) => run.cpuMs) * 1000) / tasks,
          limit: (medianOf(pairs.limits, (run) => run.cpuMs) * 1000) / tasks,
          op: "task",
        },
        notes: [`${thousands(bytes)} bytes drawn`],
      }),
    ];
  },
};

export const drawing: Benchmark = {
  name: "drawing",
  about: "the share of a core that drawing takes with 64 tasks running",
  async run(kit) {
    const ms = 50;
    const [short, long] = [kit.size(60, 20), kit.size(460, 60)];
    const cpuMs = async (steps: number, drawn: boolean): Promise<number> => {
      const run = await kit.run("steps", {
        params: { tasks: 64, steps, ms },
        flags: ["--workers", "2", "--concurrency", "64"],
        ...(drawn ? { terminal: tall } : undefined),
      });
      return run.cpuMs;
    };
    // CPU time is compared, so the runs may overlap. The difference cancels the program's start.
    const share = async (drawn: boolean): Promise<number> => {
      const [few, many] = await Promise.all([cpuMs(short, drawn), cpuMs(long, drawn)]);
      return (many - few) / ((long - short) * ms);
    };
    const shares: [number, number][] = [];
    for (let round = 0; round < kit.size(3, 1); round++) {
      shares.push(await Promise.all([share(true), share(false)]));
    }
    const value = 100 * medianOf(shares, ([drawn, bare]) => drawn - bare);
    const whole = 100 * medianOf(shares, ([drawn]) => drawn);
    return [
      figure({
        name: "drawing, 64 tasks running",
        unit: "% of a core",
        value,
        limit: whole,
        limitName: "the whole run",
        target: atMost(1),
      }),
    ];
  },
};
