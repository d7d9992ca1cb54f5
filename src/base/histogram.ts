// How many durations fall into each bucket. Four buckets for each doubling: a quantile is off by an eighth at most, and two
// histograms add up to one.

/** Longer ones count as this: 24 days. */
const longestMs = 2 ** 31 - 1;
const buckets = 120;

/** Pairs of bucket and count, without the empty buckets. */
export type Counts = readonly (readonly [bucket: number, count: number])[];

export class Histogram {
  readonly #counts = Array.from({ length: buckets }, () => 0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get counts(): Counts {
    return this.#counts.flatMap((count, bucket) => (count === 0 ? [] : [[bucket, count] as const]));
  }

  /** @param ms an integer; negative where the clock was set back */
  add(ms: number): void {
    const bucket = bucketOf(ms);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#size++;
  }

  /** @param counts as a file has them: what is no pair of an existing bucket and a number of durations is left out */
  addCounts(counts: readonly unknown[]): void {
    for (const pair of counts) {
      const [bucket, count] = Array.isArray(pair) ? (pair as unknown[]) : [];
      const before = typeof bucket === "number" ? this.#counts[bucket] : undefined;
      if (before === undefined || typeof count !== "number" || !(count >= 0)) continue;
      this.#counts[Number(bucket)] = before + count;
      this.#size += count;
    }
  }

  /** No duration is longer than this. */
  get longestMs(): number {
    const last = this.#counts.findLastIndex((count) => count > 0);
    return last < 0 ? 0 : lowest(last + 1);
  }

  /**
   * Of the durations that may be longer than this one: which part of all they are, and by how much they are longer on average.
   * Within a bucket, they are taken to be spread evenly.
   */
  after(ms: number): { readonly part: number; readonly restMs: number } {
    let [longer, restMs] = [0, 0];
    for (const [bucket, count] of this.counts) {
      const [from, to] = [lowest(bucket), lowest(bucket + 1)];
      if (to <= ms) continue;
      longer += count;
      restMs += count * ((Math.max(from, ms) + to) / 2 - ms);
    }
    return longer === 0
      ? { part: 0, restMs: 0 }
      : { part: longer / this.#size, restMs: restMs / longer };
  }

  /** The duration, in ms, that this part (0..1) of all does not exceed. 0 where there are none. */
  quantile(part: number): number {
    const wanted = part * this.#size;
    let below = 0;
    for (const [bucket, count] of this.counts) {
      if (below + count >= wanted) {
        const from = lowest(bucket);
        return from + ((lowest(bucket + 1) - from) * (wanted - below)) / count;
      }
      below += count;
    }
    return 0;
  }
}

/** 0, 1, 2, 3, 4–4, 5–5, …, 8–9, 10–11, 12–13, 14–15, 16–19, … */
function bucketOf(ms: number): number {
  if (ms < 4) return Math.max(0, ms);
  const capped = Math.min(ms, longestMs);
  const doublings = 31 - Math.clz32(capped);
  return 4 * doublings + ((capped >>> (doublings - 2)) & 3) - 4;
}

/** The least duration in the bucket. */
function lowest(bucket: number): number {
  if (bucket < 4) return bucket;
  const doublings = (bucket + 4) >> 2;
  return (4 + ((bucket + 4) & 3)) * 2 ** (doublings - 2);
}
