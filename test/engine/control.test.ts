import { expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { openControl } from "../../src/engine/control.ts";
import { runId } from "../../src/protocol/ids.ts";
import type { RunStarted } from "../../src/protocol/events.ts";
import { newRig } from "../support/rig.ts";
import { tempFolder } from "../support/temp-folder.ts";

const started = (db: string): RunStarted => ({
  type: "run-started",
  run: runId(1),
  pipeline: "p",
  file: null,
  db,
  journal: "wal",
  workers: 1,
  concurrency: 1,
  at: 0,
  resumed: false,
  alreadyDone: 0,
});

test("a control file that cannot be removed does not disturb the end of the run", () => {
  using folder = tempFolder();
  const db = join(folder.path, "a.db");
  const path = `${db}-run1.control`;
  writeFileSync(db, "");
  const control = openControl(started(db), () => undefined);
  expect(existsSync(path)).toBe(true);
  // The root user may remove any file, but `rm` without `recursive` removes no folder.
  rmSync(path);
  mkdirSync(path);
  control?.close();
  expect(existsSync(path)).toBe(true);
});

test("a listener that throws at the last event ends the run with its error", async () => {
  await using rig = newRig();
  const file = rig.pipeline(`
    const one = task({ name: "one", run: () => 1 });
    export default pipeline({ name: "p", tasks: () => one() });
  `);
  const thrown = await rig
    .run(file, {
      onEvent: ({ type }) => {
        if (type === "run-finished") throw new Error("no more, please");
      },
    })
    .catch((error: unknown) => error);
  expect(thrown).toEqual(new Error("no more, please"));
});
