// Pipeline files with any JavaScript value in any place: it is right, or a clear error that names file and place.

import { expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { tempFolder } from "../support/temp-folder.ts";
import { call, expectAnswer } from "./call.ts";
import { fuzz } from "./fuzz.ts";
import { type Odd, oddValues, oddWork, type Place, source, usual } from "./odd-file.ts";

setDefaultTimeout(24 * 3_600_000);

const pair = fc
  .constantFrom<Place>(...(Object.keys(usual) as Place[]))
  .chain((place) =>
    fc
      .constantFrom(...(place === "tasks" || place === "item" ? oddWork : oddValues))
      .map((value): Odd => ({ [place]: value })),
  );

test("any value in any place of a pipeline file", async () => {
  const input = fc.tuple(
    fc
      .array(pair, { minLength: 1, maxLength: 2, size: "max" })
      .map((odds): Odd => Object.assign({}, ...odds)),
    fc.constantFrom(
      [],
      [],
      ["--dry-run"],
      ["--json"],
      ["-w", "1"],
      ["--no-store-task-status"],
      ["--fail-fast"],
      ["--help"],
    ),
  );
  await fuzz(
    "pipeline files",
    input,
    ([odd, flags]) => {
      using folder = tempFolder();
      writeFileSync(join(folder.path, "odd.ts"), source(odd));
      const ended = call(folder.path, "run", "odd.ts", ...flags);
      expectAnswer(ended);
      if (ended.code === 1) expect(ended.err).toMatch(/odd\.ts|odd failed|odd\.db/);
    },
    10,
  );
});
