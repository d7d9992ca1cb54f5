// Runs on an engine, while workers, Redis and the run itself are killed and stopped at random: no row is lost or stored twice, and
// nothing hangs. Held against a run in threads. CRASH_S=1200 goes on for 20 minutes.

import { expect, setDefaultTimeout, test } from "bun:test";

import { hasRedis } from "../support/redis-server.ts";
import { Cluster, type ClusterFault } from "./cluster.ts";
import {
  CrashSite,
  difference,
  type End,
  type Kill,
  type PipelineName,
  pipelines,
  secondsOf,
  seedOf,
  undisturbed,
} from "./crash.ts";
import { below, randomOf } from "./random.ts";

setDefaultTimeout(24 * 3_600_000);

const faults: readonly ClusterFault[] = [
  ...(["worker", "worker", "worker", "all workers"] as const),
  ...(["redis", "redis", "redis", "worker stops", "redis stops"] as const),
];
/** Tasks of `programs` fail where a process of an earlier attempt is left, and what they leave lives as long as its worker. */
const suited = pipelines.filter((pipeline) => pipeline !== "programs");

type Reference = Awaited<ReturnType<typeof undisturbed>>;

class Torment {
  readonly #random: () => number;
  readonly #cluster: Cluster;
  readonly counts = new Map<string, number>();

  constructor(random: () => number, cluster: Cluster) {
    this.#random = random;
    this.#cluster = cluster;
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** One run, in as many sessions as it takes. */
  async run(pipeline: PipelineName, reference: Reference): Promise<void> {
    const cluster = this.#cluster;
    using site = new CrashSite(pipeline, [], cluster.flags);
    for (let sessions = 0; !site.isOver; sessions++) {
      const end = await this.#session(site, sessions);
      this.#count("sessions");
      const { hung, errors } = end;
      expect({ pipeline, hung, errors: hung ? errors + cluster.said : "" }).toMatchObject({
        hung: false,
      });
      expect(errors + cluster.said).not.toContain("Internal error");
      if (end.signal === "SIGKILL") this.#count("run");
      else if (/ECONNREFUSED|no answer after|Connection is closed/.test(errors)) {
        this.#count("begun without Redis");
      } else {
        const { code } = reference;
        expect({ pipeline, code: end.code, isOver: site.isOver, errors }).toMatchObject({
          code,
          isOver: true,
        });
        expect(site.leftovers()).toEqual([]);
      }
    }
    expect([pipeline, ...difference(reference.answer, site.answer())]).toEqual([pipeline]);
    this.#count("runs");
  }

  async #session(site: CrashSite, sessions: number): Promise<End> {
    const random = this.#random;
    const over = new AbortController();
    const befalling = this.#befall(over.signal);
    const isKilled = sessions < 4 && random() < 0.4;
    const kill: Kill | undefined = isKilled
      ? { afterMs: random() ** 2 * 6_000, signals: ["SIGKILL"] }
      : undefined;
    const flags = random() < 0.5 ? ["-c", String(1 + below(random, 8))] : [];
    const end = await site.run(kill, this.#cluster.env, flags);
    over.abort();
    await befalling;
    return end;
  }

  /** One fault after the other, a few of them: a task that is interrupted again and again counts as the reason. */
  async #befall(over: AbortSignal): Promise<void> {
    const random = this.#random;
    for (let left = 1 + below(random, 4); left > 0; left--) {
      await Bun.sleep(random() ** 2 * 2_000);
      if (over.aborted) return;
      const fault = faults[below(random, faults.length)] ?? "redis";
      this.#count(fault);
      await this.#cluster.befall(fault);
    }
  }
}

for (const isAppendOnly of [true, false]) {
  const name = `with appendonly ${isAppendOnly ? "on" : "off"}`;
  test.skipIf(!hasRedis || process.platform === "win32")(
    `killed at random, ${name}, a run on an engine leaves what a run in threads leaves`,
    async () => {
      const random = randomOf(seedOf(`machine kills ${name}`));
      const until = performance.now() + secondsOf(20) * 1000;
      await using cluster = await Cluster.start(random, { workers: 2, isAppendOnly });
      const torment = new Torment(random, cluster);
      const references = new Map<PipelineName, Reference>();
      const left = suited.toSorted(() => random() - 0.5);
      for (let i = 0; i === 0 || performance.now() < until; i++) {
        const pipeline = left[i % left.length] ?? "rows";
        const reference = references.get(pipeline) ?? (await undisturbed(pipeline));
        references.set(pipeline, reference);
        await torment.run(pipeline, reference);
      }
      const counts = [...torment.counts].map(([what, count]) => `${what} ${count}`).join(", ");
      console.log(`machine kills ${name}: ${counts}`);
    },
  );
}
