// Result of a benchmark: a figure, its limit, and whether the target is met.

/** CPU time (user and system, all threads) per operation in µs: more stable than wall time on a busy machine. */
export type CpuPerOp = { readonly subject: number; readonly limit: number; readonly op: string };

export type Target = {
  /** What the target applies to: the figure itself, or its ratio to the limit. */
  readonly of: "value" | "ratio";
  readonly is: "at least" | "at most";
  readonly value: number;
};

export type Figure = {
  readonly name: string;
  readonly unit: Unit;
  readonly value: number;
  readonly limit: number;
  /** Short description of the limit. */
  readonly limitName: string;
  readonly ratio: number;
  /** Lowest and highest ratio of the measured pairs. */
  readonly spread?: readonly [low: number, high: number];
  readonly target: Target;
  readonly ok: boolean;
  readonly cpu?: CpuPerOp;
  /** Further observations, one line each. */
  readonly notes: readonly string[];
};

export type Unit = "/s" | "ms" | "µs" | "MB" | "% of a core";

type Measured = Omit<Figure, "ratio" | "ok" | "notes"> & { readonly notes?: readonly string[] };

export function figure(measured: Measured): Figure {
  const { value, limit, target, notes = [] } = measured;
  const ratio = value / limit;
  const judged = target.of === "value" ? value : ratio;
  const ok = target.is === "at least" ? judged >= target.value : judged <= target.value;
  return { ...measured, ratio, ok, notes };
}

export const ratioAtLeast = (value: number): Target => ({ of: "ratio", is: "at least", value });
export const ratioAtMost = (value: number): Target => ({ of: "ratio", is: "at most", value });
export const atLeast = (value: number): Target => ({ of: "value", is: "at least", value });
export const atMost = (value: number): Target => ({ of: "value", is: "at most", value });

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}

export const medianOf = <T>(items: readonly T[], value: (item: T) => number): number =>
  median(items.map(value));

/** Interleaved measurements, in the order of the rounds. */
export type Pairs<S, L> = { readonly subjects: readonly S[]; readonly limits: readonly L[] };

/** Measures both sides alternately, so that changing load affects both. */
export async function interleave<S, L>(
  rounds: number,
  subject: () => Promise<S>,
  limit: () => Promise<L>,
): Promise<Pairs<S, L>> {
  const subjects: S[] = [];
  const limits: L[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 1) limits.push(await limit());
    subjects.push(await subject());
    if (round % 2 === 0) limits.push(await limit());
  }
  return { subjects, limits };
}

/** Lowest and highest `subject / limit` of the rounds. */
export function spreadOf<S, L>(
  { subjects, limits }: Pairs<S, L>,
  subjectValue: (subject: S) => number,
  limitValue: (limit: L) => number,
): readonly [low: number, high: number] {
  const ratios = subjects.map((subject, round) => {
    const limit = limits[round];
    return limit === undefined ? Number.NaN : subjectValue(subject) / limitValue(limit);
  });
  return [Math.min(...ratios), Math.max(...ratios)];
}
