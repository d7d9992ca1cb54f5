// Cost of dependencies: a chain, a fan-out, and planning.

import { atMost, figure, interleave, medianOf, ratioAtMost, spreadOf } from "./figure.ts";
import { type Benchmark, thousands } from "./kit.ts";

export const chain: Benchmark = {
  name: "chain",
  about: "dependent no-op tasks, a commit between each and the next",
  async run(kit) {
    const links = kit.size(10_000, 2_000);
    const pairs = await interleave(
      kit.size(3, 1),
      async () => {
        const flags = ["--workers", "2", "--durability", "normal"];
        const run = await kit.run("chain", { params: { links }, flags });
        const [last] = kit.query<{ result: string }>(
          run.db,
          `SELECT result FROM task_runs WHERE result = '${links}'`,
        );
        if (last === undefined) throw new Error("the chain has not come to its end");
        return run;
      },
      async () => kit.child<{ loopMs: number }>("bare-ring", [kit.newDb(), links]),
    );
    return [
      figure({
        name: `a link, chain of ${thousands(links)}`,
        unit: "ms",
        value: medianOf(pairs.subjects, (run) => run.runMs) / links,
        limit: medianOf(pairs.limits, (bare) => bare.said.loopMs) / links,
        limitName: "bare ring",
        spread: spreadOf(
          pairs,
          (run) => run.runMs,
          (bare) => bare.said.loopMs,
        ),
        target: atMost(1),
        cpu: {
          subject: (medianOf(pairs.subjects, (run) => run.cpuMs) * 1000) / links,
          limit: (medianOf(pairs.limits, (bare) => bare.cpuMs) * 1000) / links,
          op: "link",
        },
      }),
    ];
  },
};

export const fan: Benchmark = {
  name: "fan",
  about: "a fan-out over a task's result and its fan-in, beside as many independent tasks",
  async run(kit) {
    const items = kit.size(100_000, 20_000);
    const run = async (shape: "fan" | "flat") =>
      kit.run("fan", { params: { items, shape }, flags: ["--workers", "2"] });
    const pairs = await interleave(
      kit.size(5, 1),
      async () => {
        const fanned = await run("fan");
        const [last] = kit.query<{ result: string }>(
          fanned.db,
          "SELECT result FROM task_runs WHERE name = 'count'",
        );
        if (last?.result !== String(items)) throw new Error(`the fan-in saw ${last?.result}`);
        return fanned;
      },
      async () => run("flat"),
    );
    const peaks = [pairs.subjects, pairs.limits].map((runs) =>
      Math.round(medianOf(runs, ({ peakMb }) => peakMb)),
    );
    const runMs = [pairs.subjects, pairs.limits].map((runs) =>
      medianOf(runs, (each) => each.runMs),
    );
    return [
      figure({
        name: `fan-out of ${thousands(items)} and fan-in`,
        unit: "ms",
        // Total time, because a list of nodes is planned before the run and a fan-out during the run.
        value: medianOf(pairs.subjects, ({ wallMs }) => wallMs),
        limit: medianOf(pairs.limits, ({ wallMs }) => wallMs),
        limitName: "independent tasks",
        spread: spreadOf(
          pairs,
          ({ wallMs }) => wallMs,
          ({ wallMs }) => wallMs,
        ),
        target: ratioAtMost(1.5),
        cpu: {
          subject: (medianOf(pairs.subjects, ({ cpuMs }) => cpuMs) * 1000) / items,
          limit: (medianOf(pairs.limits, ({ cpuMs }) => cpuMs) * 1000) / items,
          op: "task",
        },
        notes: [
          `the run alone ${runMs.join(" ms, independent ")} ms`,
          `peak memory ${peaks.join(" MB, independent ")} MB`,
        ],
      }),
    ];
  },
};

export const plan: Benchmark = {
  name: "plan",
  about: "planning nodes, by the engine's graph in a process of its own",
  async run(kit) {
    const nodes = kit.size(100_000, 20_000);
    const runs = [];
    for (let round = 0; round < kit.size(3, 1); round++) {
      runs.push(await kit.child<{ planMs: number; bareMs: number }>("plan", [nodes]));
    }
    const nothing = await kit.child<{ planMs: number }>("plan", [0]);
    const name = `planning ${thousands(nodes)} nodes`;
    return [
      figure({
        name,
        unit: "ms",
        value: medianOf(runs, ({ said }) => said.planMs),
        limit: medianOf(runs, ({ said }) => said.bareMs),
        limitName: "making them",
        target: atMost(1000),
      }),
      figure({
        name,
        unit: "MB",
        value: medianOf(runs, ({ peakMb }) => peakMb),
        limit: nothing.peakMb,
        limitName: "planning none",
        target: atMost(300),
      }),
    ];
  },
};
