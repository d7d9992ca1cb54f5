// Random projects, in which a number is edited: a task that gives another result then must have another fingerprint.
// FINGERPRINT_SEEDS=1000 looks for longer; a failure names its seed.

import { expect, test } from "bun:test";

import { registry } from "../../../src/api/registry.ts";
import type { Fingerprints } from "../../../src/module/fingerprints.ts";
import { Random } from "../../simulator/random.ts";
import { newRig } from "../../support/rig.ts";
import { fingerprints } from "./fingerprints-in.ts";
import { GeneratedProject } from "./generated-project.ts";

const seeds = Number(process.env["FINGERPRINT_SEEDS"] ?? 25);
const edits = 8;

type Evaluated = { readonly results: ReadonlyMap<string, string>; readonly found: Fingerprints };

/** Loads the files and runs each task. Undefined where they cannot be loaded. */
async function evaluated(files: Record<string, string>): Promise<Evaluated | undefined> {
  await using rig = newRig();
  for (const [name, text] of Object.entries(files)) rig.write(name, text);
  registry.tasks.clear();
  registry.sealed = false;
  try {
    await import(rig.file("p.ts"));
  } catch {
    return undefined;
  }
  const results = new Map<string, string>();
  for (const [name, { run }] of registry.tasks)
    results.set(name, await resultOf(run as () => unknown));
  return { results, found: await fingerprints(rig, files, [...results.keys()]) };
}

async function resultOf(run: () => unknown): Promise<string> {
  try {
    return String(await run());
  } catch (error) {
    return String(error);
  }
}

test("another result, another fingerprint", async () => {
  let differing = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const random = new Random(seed);
    const project = new GeneratedProject(seed);
    const values = Array.from({ length: project.numbers }, () => random.int(0, 49));
    const before = await evaluated(project.files(values));
    for (let edit = 0; edit < edits; edit++) {
      const place = random.int(0, values.length - 1);
      const after = await evaluated(project.files(values.with(place, random.int(50, 99))));
      for (const [name, result] of before?.results ?? []) {
        if (after === undefined || after.results.get(name) === result) continue;
        differing++;
        const same = after.found.byTask.get(name) === before?.found.byTask.get(name);
        if (same) console.error({ seed, place, name }, project.files(values));
        expect(same).toBe(false);
      }
    }
  }
  expect(differing).toBeGreaterThan(seeds / 2);
}, 600_000);
