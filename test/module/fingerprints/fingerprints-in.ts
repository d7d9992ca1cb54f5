// Pipelines in a temporary folder, and their fingerprints.

import { type Fingerprints, fingerprintsOf } from "../../../src/module/fingerprints.ts";
import { sourcesOf } from "../../../src/module/sources.ts";
import type { Rig } from "../../support/rig.ts";

/** Texts by file name. */
export type Files = Readonly<Record<string, string>>;

/** Replaces the first of two texts by the second, in a file. */
export type Edit = readonly [file: string, from: string, to: string];

/** Writes the files; the pipeline is `p.ts`. */
export async function fingerprints(
  rig: Rig,
  texts: Files,
  names: readonly string[],
): Promise<Fingerprints> {
  for (const [name, text] of Object.entries(texts)) await Bun.write(rig.file(name), text);
  const entry = rig.file("p.ts");
  return fingerprintsOf(entry, sourcesOf(entry), names);
}

/** The names whose fingerprints differ. */
export const differing = (
  names: readonly string[],
  one: Fingerprints,
  two: Fingerprints,
): string[] => names.filter((name) => one.byTask.get(name) !== two.byTask.get(name));

/** The beginning of a file: a task that names nothing else. */
export const bystander = `import { message, pipeline, runPipeline, task } from "pipeloom";
const bystander = task({ name: "bystander", run: () => 1 });
`;
