// `pipeloom serve` while clocks change and while it is stopped, with a clock that is ahead and ten times as fast (libfaketime).

import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { tempFolder } from "../support/temp-folder.ts";
import { ServeProcess } from "./serve-process.ts";

setDefaultTimeout(120_000);

const hasFakeTime = Bun.which("faketime") !== null;

const source = (pipelines: Readonly<Record<string, string>>): string => `
import { pipeline, task } from "pipeloom";
const load = task({ name: "load", run: () => 1 });
${Object.entries(pipelines)
  .map(
    ([name, schedule]) =>
      `export const ${name} = pipeline({ name: "${name}", schedule: ${schedule}, tasks: () => load() });`,
  )
  .join("\n")}
`;

/** Hours and minutes in UTC of the slots that are done. */
function slotsOf(folder: string, pipeline: string): string[] {
  using db = new Database(join(folder, "pipeloom.db"), { readonly: true });
  // The next run may be about to recover the write-ahead log, and locks readers out meanwhile.
  db.run("PRAGMA busy_timeout = 5000");
  const rows = db
    .query(
      "SELECT scheduled_for FROM pipeline_runs WHERE pipeline = ? AND status = 'done' ORDER BY scheduled_for",
    )
    .values(pipeline) as [string][];
  return rows.map(([slot]) => slot.slice(11, 16));
}

/** The processes that it starts go on with the same clock. */
const env = { TZ: "UTC", FAKETIME_DONT_RESET: "1" };
const clockFrom = (from: string): string[] => ["faketime", "-f", `@${from} x10`];

const schedule = (hours: string): string =>
  `{ cron: "0,1,59 ${hours} * * *", tz: "Europe/Berlin", catchUp: "all", overlap: "queue" }`;

describe.skipIf(!hasFakeTime)("with a clock of the test's own", () => {
  test.each<[string, string, string[], string[]]>([
    // 02:00 is 03:00: times of the hour that is left out come as much later.
    ["forward", "2026-03-29 00:58:00", ["00:59", "01:00", "01:01"], ["00:59", "01:00", "01:01"]],
    // 03:00 is 02:00: a fixed time comes once, the first time; `*` goes on through both hours.
    ["back", "2026-10-25 00:58:00", ["00:59"], ["00:59", "01:00", "01:01"]],
  ])("clocks go %s: each slot once", async (_, from, fixed, each) => {
    using folder = tempFolder();
    const pipelines = { fixed: schedule("1-3"), each: schedule("*") };
    writeFileSync(join(folder.path, "orders.ts"), source(pipelines));
    {
      await using serve = new ServeProcess(folder.path, ["--no-page", "-v"], env, clockFrom(from));
      const runs = fixed.length + each.length;
      for (let done = 0; done < runs; done++) await serve.line(/run \d+ done/);
    }
    expect(slotsOf(folder.path, "fixed")).toEqual(fixed);
    expect(slotsOf(folder.path, "each")).toEqual(each);
  });

  test("SIGSTOP over several slots: the last one runs, and the others are said to be missed", async () => {
    using folder = tempFolder();
    const minutely = '{ cron: "* * * * *", tz: "UTC" }';
    writeFileSync(join(folder.path, "orders.ts"), source({ orders: minutely }));
    const clock = clockFrom("2026-11-27 00:58:30");
    await using serve = new ServeProcess(folder.path, ["--no-page", "-v"], env, clock);
    await serve.line(/run 1 done/);
    serve.signal("SIGSTOP");
    // Five minutes for serve.
    await Bun.sleep(30_000);
    serve.signal("SIGCONT");
    await serve.line(/the last of \d+ slots that were missed/);
    await serve.line(/run \d+ done/);
    const slots = slotsOf(folder.path, "orders").map((slot) => Date.parse(`2026-11-27T${slot}Z`));
    const gaps = slots.slice(1).map((slot, index) => slot - (slots[index] ?? 0));
    expect(Math.max(...gaps)).toBeGreaterThanOrEqual(180_000);
  });
});
