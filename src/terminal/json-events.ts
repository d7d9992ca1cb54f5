// `--json`: one committed event a line on stdout. This shape is public:
//
//   {"type":"run-started","run":1,"pipeline":"posts","file":"/x/etl.ts","db":"/x/posts.db","journal":"wal",
//    "workers":4,"concurrency":4,"engine":"redis://host","at":"2026-01-31T12:00:00.000Z","resumed":false,"alreadyDone":0,"version":1}
//   {"type":"run-attached","run":1,"pipeline":"posts","file":"/x/etl.ts","db":"/x/posts.db","startedAt":"…","at":"…",
//    "version":1}
//   {"type":"run-reruns","run":1,"at":"…","tasks":[{"task":"load-page","reason":"code","isKept":false,"count":40}]}
//   {"type":"run-total","total":100,"complete":true}
//   {"type":"task-again","id":7,"name":"load-page"}
//   {"type":"task-started","id":7,"name":"load-page","attempt":1,"at":"…","machine":"web1","label":"page=7"}
//   {"type":"task-progress","id":7,"progress":0.5,"message":"fetched"}
//   {"type":"task-log","id":7,"name":"load-page","attempt":1,"at":"…","level":"info","line":"…","label":"page=7"}
//   {"type":"task-checkpoint","id":7,"cursor":{"page":3}}
//   {"type":"task-retrying","id":7,"name":"load-page","attempt":1,"at":"…","failure":{…},"retryAt":"…",
//    "label":"page=7"}
//   {"type":"task-slow","id":7,"name":"load-page","task":"load-page","at":"…","durationMs":31000,"isRunning":true,
//    "p95Ms":9700,"runs":12,"label":"page=7"}
//   {"type":"task-finished","id":7,"name":"load-page","attempt":2,"status":"done","startedAt":"…","at":"…",
//    "label":"page=7","result":42}
//   {"type":"run-finished","run":1,"status":"done","at":"…","failure":{…},"rows":400,"cpuMs":5300,
//    "definitions":[{"task":"load-page","tasks":40,"totalMs":81000}],
//    "waits":[{"task":"load-page","cause":"rate","pool":"api","tasks":38,"longestMs":12000}]}
//
// `attach --json` begins with run-attached, and has what a look at the file tells: no retries, checkpoints and results, and no
// start of a task that began and ended between two looks.
//
// `engine` and `machine` only in a run with an engine: its address, and the machine that the attempt runs on. `machine` is in the
// events task-started, task-log, task-retrying and task-finished.
//
// `label` tells a task from others of its name: the author's, or the scalars of its input. Absent where nothing does.
//
// Each line is an event of src/protocol/events.ts with times in ISO 8601, and `result` and `cursor` as values. Fields absent
// there are absent here; `startedAt` is null for a task that never ran. A failure is
// {"name","message","stack"?,"code"?,"cause"?,"errors"?}. Types and fields may be added; any other change is a new version.
// JSON Schema: .github/schemas/events.v1.schema.json.

import { JSON } from "../base/globals.ts";
import { labelled } from "../protocol/label.ts";
import type { RunAttached, RunEvent } from "../protocol/events.ts";
import { toIso } from "../base/iso-time.ts";
import { assertNever } from "../base/unreachable.ts";
import type { Write } from "../base/streams.ts";
import type { Ui } from "./ui.ts";

const eventsVersion = 1;

/** Without the line break. */
export function jsonLine(committed: RunEvent): string {
  const event = labelled(committed);
  switch (event.type) {
    case "run-total":
    case "task-again":
    case "task-progress":
      return JSON.stringify(event);
    case "run-started":
      return JSON.stringify({ ...event, version: eventsVersion, at: toIso(event.at) });
    case "run-finished":
    case "run-reruns":
    case "task-started":
    case "task-slow":
    case "task-log":
      return JSON.stringify({ ...event, at: toIso(event.at) });
    case "task-retrying":
      return JSON.stringify({ ...event, at: toIso(event.at), retryAt: toIso(event.retryAt) });
    case "task-checkpoint": {
      const { cursor, ...rest } = event;
      return withRaw(JSON.stringify(rest), "cursor", cursor);
    }
    case "task-finished": {
      const { result, startedAt, at, ...rest } = event;
      const times = { startedAt: startedAt === null ? null : toIso(startedAt), at: toIso(at) };
      const line = JSON.stringify({ ...rest, ...times });
      return result === undefined ? line : withRaw(line, "result", result);
    }
    default:
      return assertNever(event);
  }
}

function attachedLine(run: RunAttached): string {
  const times = { startedAt: toIso(run.startedAt), at: toIso(run.at) };
  return JSON.stringify({ ...run, ...times, version: eventsVersion });
}

/** Adds a member that is already JSON text. Line breaks in it can only be between tokens. */
const withRaw = (object: string, key: string, raw: string): string =>
  `${object.slice(0, -1)},"${key}":${raw.includes("\n") ? raw.replaceAll(/[\r\n]/g, " ") : raw}}`;

/** Each batch is written at once: stdout has every event that has been committed. */
export function jsonUi(write: Write): Ui {
  return {
    events(events) {
      let text = "";
      for (const event of events) text += `${jsonLine(event)}\n`;
      if (text !== "") write(text);
    },
    attached(run) {
      write(`${attachedLine(run)}\n`);
    },
    followed() {},
    log() {},
    stopping() {},
    finish() {},
    close() {},
  };
}
