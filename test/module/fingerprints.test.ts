import { expect, test } from "bun:test";

import { type Fingerprints, fingerprintsOf } from "../../src/module/fingerprints.ts";
import { sourcesOf } from "../../src/module/sources.ts";
import { newRig, type Rig } from "../support/rig.ts";

const names = ["a", "b"];

const fingerprints = (rig: Rig, text: string): Promise<Fingerprints> => {
  const entry = rig.pipeline(text);
  return fingerprintsOf(entry, sourcesOf(entry), names);
};

test("each task has a fingerprint, which another text changes", async () => {
  await using rig = newRig();
  const before = await fingerprints(rig, 'task({ name: "a", run: () => 1 });');
  const same = await fingerprints(rig, 'task({ name: "a", run: () => 1 });');
  const after = await fingerprints(rig, 'task({ name: "a", run: () => 2 });');
  expect([...before.byTask.keys()]).toEqual(names);
  expect(same).toEqual(before);
  expect(after.byTask.get("a")).not.toBe(before.byTask.get("a"));
  expect(before.byTask.get("a")).toMatch(/^[0-9a-f]{64}$/);
});
