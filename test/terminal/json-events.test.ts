import { expect, test } from "bun:test";
import { taskId } from "../../src/protocol/ids.ts";
import { jsonLine } from "../../src/terminal/json-events.ts";
import { boom, epoch, event, rig, summary } from "./rig.ts";

test("every event is one line of JSON, with ISO times and values", () => {
  const lines = [
    event.runStarted(),
    event.total(3),
    event.started(1),
    event.progress(1, 0.5, "half\nway"),
    event.log(1, "a\nb"),
    { type: "task-checkpoint", id: taskId(1), cursor: '{"page":3}' } as const,
    event.retrying(1, 2000),
    { ...event.finished(1), result: '{"n":\n42}' } as ReturnType<typeof event.finished>,
    event.finished(2, "error"),
    event.slow(1, 31_000, true),
    event.runFinished(),
  ].map(jsonLine);
  for (const line of lines) expect(line).not.toContain("\n");
  const values: unknown[] = lines.map((line) => JSON.parse(line));
  expect(values).toMatchSnapshot();
  expect(values[6]).toMatchObject({ failure: boom, retryAt: new Date(epoch + 2000).toISOString() });
});

test("--json keeps stdout for events, on a terminal and without", () => {
  for (const isTty of [true, false]) {
    const { ui, stdout } = rig({}, { json: true, isTty });
    console.log("from user code");
    process.stdout.write("and this\n");
    ui.events([event.runStarted(), event.total(1), event.finished(1)]);
    ui.log("info", "a line");
    ui.finish(summary());
    const events = stdout().trimEnd().split("\n");
    expect(events.map((line): unknown => JSON.parse(line))).toMatchObject([
      { type: "run-started" },
      { type: "run-total" },
      { type: "task-finished" },
    ]);
  }
});
