// The text that Prometheus reads: https://prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4. Pure.

export type Labels = Readonly<Record<string, string>>;

export type Sample = {
  /** `_bucket`, `_sum`, `_count` of a histogram. Absent: the name as it is. */
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
};

export type Family = {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly Sample[];
};

/** Families without samples are left out. */
export const exposition = (families: readonly Family[]): string =>
  families
    .filter(({ samples }) => samples.length > 0)
    .map(familyText)
    .join("");

const familyText = ({ name, type, help, samples }: Family): string =>
  `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n` +
  samples
    .map(
      ({ suffix = "", labels, value }) =>
        `${name}${suffix}${labelsText(labels)} ${String(value)}\n`,
    )
    .join("");

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

/** @param counts of each bucket, the last one above all bounds; those of Prometheus are added up */
export function histogramSamples(
  labels: Labels,
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
): Sample[] {
  let total = 0;
  const buckets = [...bounds.map(String), "+Inf"].map((le, index): Sample => {
    total += counts[index] ?? 0;
    return { suffix: "_bucket", labels: { ...labels, le }, value: total };
  });
  return [
    ...buckets,
    { suffix: "_sum", labels, value: sum },
    { suffix: "_count", labels, value: total },
  ];
}
