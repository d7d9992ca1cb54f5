// A second opinion on the terminal in memory: what it shows of a run is what xterm shows.

import { Terminal } from "@xterm/headless";
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { RunEvent } from "../../src/protocol/events.ts";
import { event, rig, summary } from "./rig.ts";

/** The rows of the screen, without the blanks at their ends. */
async function shownByXterm(text: string, cols: number, rows: number): Promise<string[]> {
  const terminal = new Terminal({ cols, rows, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(text, resolve));
  const { active } = terminal.buffer;
  const screen = Array.from({ length: rows }, (_, row) =>
    (active.getLine(active.baseY + row)?.translateToString(true) ?? "").trimEnd(),
  );
  terminal.dispose();
  return screen;
}

const id = fc.integer({ min: 1, max: 30 });
// xterm joins no emoji of several code points without an addon; wide characters it knows.
const text = fc.string({
  unit: fc.constantFrom("a", "B", " ", "7", "é", "日", "本"),
  maxLength: 60,
});
const step: fc.Arbitrary<RunEvent | "tick"> = fc.oneof(
  fc.constant("tick" as const),
  id.map((each) => event.started(each)),
  fc
    .tuple(id, fc.double({ min: 0, max: 1, noNaN: true }), text)
    .map(([each, progress, message]) => event.progress(each, progress, message)),
  fc.tuple(id, text).map(([each, line]) => event.log(each, line)),
  fc
    .tuple(id, fc.constantFrom("done" as const, "error" as const))
    .map(([each, status]) => event.finished(each, status)),
  id.map((each) => event.retrying(each, 5000)),
);

test("property: a run looks the same in xterm", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        columns: fc.integer({ min: 20, max: 120 }),
        rows: fc.integer({ min: 3, max: 30 }),
        steps: fc.array(step, { maxLength: 60 }),
        ends: fc.boolean(),
      }),
      async ({ columns, rows, steps, ends }) => {
        const { ui, clock, terminal } = rig({ columns, rows });
        ui.events([event.runStarted(), event.total(30)]);
        for (const each of steps) {
          if (each === "tick") clock.tick();
          else ui.events([each]);
        }
        clock.tick();
        if (ends) {
          ui.events([event.runFinished()]);
          ui.finish(summary());
        }
        const shown = await shownByXterm(terminal.writes.join(""), columns, rows);
        const expected = terminal.screen().map((line) => line.trimEnd());
        expect(shown).toEqual(Array.from({ length: rows }, (_, row) => expected[row] ?? ""));
        ui.close();
      },
    ),
  );
});
