// A strict reader of the text format of Prometheus, version 0.0.4: whatever its description does not allow is an error.

export type Parsed = ReadonlyMap<
  string,
  {
    readonly type: string;
    readonly help: string;
    /** By name and labels, in the order of the text. */
    readonly samples: ReadonlyMap<string, number>;
  }
>;

const nameOf = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: [""],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"],
};

export function parseExposition(text: string): Parsed {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  let name = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, word, of = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === "HELP") {
      if (families.has(of)) throw new Error(`${of} comes twice`);
      if (rest.replaceAll(/\\[\\n]/g, "").includes("\\"))
        throw new Error(`a wrong escape in: ${line}`);
      families.set(of, { type: "", help: rest, samples: new Map() });
      name = of;
      continue;
    }
    const family = families.get(name);
    if (family === undefined) throw new Error(`a line before any HELP: ${line}`);
    if (word === "TYPE") {
      if (of !== name || family.type !== "" || !(rest in suffixes)) throw new Error(line);
      family.type = rest;
      continue;
    }
    const { series, suffix, value } = sampleIn(line, name);
    if (!suffixes[family.type]?.includes(suffix)) throw new Error(`no ${family.type} has: ${line}`);
    if (family.samples.has(series)) throw new Error(`a series comes twice: ${series}`);
    if (family.type === "counter" && (!name.endsWith("_total") || value < 0)) throw new Error(line);
    family.samples.set(series, value);
  }
  for (const [each, { type, samples }] of families) {
    if (samples.size === 0) throw new Error(`${each} has no samples`);
    if (type === "histogram") checkBuckets(each, samples);
  }
  return families;
}

function sampleIn(
  line: string,
  family: string,
): { readonly series: string; readonly suffix: string; readonly value: number } {
  const name = nameOf.exec(line)?.[0] ?? "";
  if (!name.startsWith(family)) throw new Error(`not of ${family}: ${line}`);
  let at = name.length;
  const labels: string[] = [];
  if (line[at] === "{") {
    at++;
    while (line[at] !== "}") {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/.exec(line.slice(at));
      if (label === null) throw new Error(`a wrong label at ${at} of: ${line}`);
      if (label[1]?.startsWith("__")) throw new Error(`a reserved label: ${line}`);
      labels.push(label[0]);
      at += label[0].length;
      if (line[at] === ",") at++;
      else if (line[at] !== "}") throw new Error(`a wrong end of a label at ${at} of: ${line}`);
    }
    at++;
  }
  const value = /^ ([+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/.exec(line.slice(at))?.[1];
  if (value === undefined) throw new Error(`a wrong value in: ${line}`);
  const number = Number(value.replace("Inf", "Infinity"));
  return {
    series: `${name}{${labels.join(",")}}`,
    suffix: name.slice(family.length),
    value: number,
  };
}

/** They grow, and the last one is the count. */
function checkBuckets(name: string, samples: ReadonlyMap<string, number>): void {
  const byLabels = new Map<string, [le: number, value: number][]>();
  for (const [series, value] of samples) {
    const [, before = "", le = ""] = /^\w+_bucket\{(.*?),?le="([^"]+)"\}$/.exec(series) ?? [];
    if (le === "") continue;
    byLabels.set(before, [
      ...(byLabels.get(before) ?? []),
      [Number(le.replace("+Inf", "Infinity")), value],
    ]);
  }
  for (const [labels, buckets] of byLabels) {
    const isGrowing = buckets.every(
      ([le, value], i) =>
        i === 0 || (le > (buckets[i - 1]?.[0] ?? 0) && value >= (buckets[i - 1]?.[1] ?? 0)),
    );
    const [last, count] = buckets.at(-1) ?? [];
    if (!isGrowing || last !== Infinity || count !== samples.get(`${name}_count{${labels}}`)) {
      throw new Error(`wrong buckets of ${name}{${labels}}`);
    }
    if (!samples.has(`${name}_sum{${labels}}`)) throw new Error(`${name}{${labels}} has no sum`);
  }
}
