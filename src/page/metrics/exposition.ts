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
  readonly samples: Iterable<Sample>;
};

/** Characters of a piece: it is made in a millisecond, and slots begin on time between two of them. */
const pieceChars = 32_768;

/** The text in pieces. Families without samples are left out. */
export function* exposition(families: Iterable<Family>): Generator<string> {
  let piece = "";
  for (const { name, type, help, samples } of families) {
    let head = `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n`;
    for (const { suffix = "", labels, value } of samples) {
      piece += `${head}${name}${suffix}${labelsText(labels)} ${String(value)}\n`;
      head = "";
      if (piece.length < pieceChars) continue;
      yield piece;
      piece = "";
    }
  }
  yield piece;
}

const escapedHelp = (help: string): string => help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

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
