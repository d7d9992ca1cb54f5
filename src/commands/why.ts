// `pipeloom why <task> [run]`: why a task ran, was reused, or did not run. why-view.ts documents the shape of `--json`.

import { resolve } from "node:path";

import { colorLevel, paletteOf } from "../base/palette.ts";
import { shownOn } from "../base/streams.ts";
import { defineCliCommand } from "../cli/command.ts";
import { print } from "../cli/stdout.ts";
import { isRunAlive } from "../store/liveness.ts";
import { runToRead } from "../store/read/task-logs.ts";
import { type WhyTask, whyTask } from "../store/read/why-task.ts";
import { databaseOf, readDbFlag } from "./default-db.ts";
import { idIn } from "./live-run.ts";
import { asUserError, waitingReader } from "./waiting-reader.ts";
import { verdictOf, whyData, whyJson, whyLines } from "./why-view.ts";

export const command = defineCliCommand({
  meta: {
    name: "why",
    details:
      "Says what a task's result depends on that has changed since the run before, shows the difference of its code, and names the tasks that it waits for. Without a run, the only one that is running is meant, or else the last.",
    examples: [
      { line: "pipeloom why load-day", what: "why it ran, or did not, in the last run" },
      {
        line: "pipeloom why '#17' 12 --json",
        what: "the task with id 17 of run 12, for a program",
      },
    ],
  },
  args: {
    task: {
      type: "positional",
      required: true,
      valueHint: "stored-task",
      description: "the task: a name, a title as it is shown, or #4 for the one with id 4",
    },
    run: {
      type: "positional",
      required: false,
      valueHint: "run-id",
      description: "the run",
    },
    db: readDbFlag,
    json: { type: "boolean", description: "print one JSON object" },
  },
  async run({ task, run, json, ...flags }) {
    const db = databaseOf(flags.db, json);
    const why = whyOf(db, task, run);
    const verdict = verdictOf(why);
    if (json) {
      print(whyJson(whyData(why, verdict, resolve(db))));
      return 0;
    }
    const { isTTY, columns } = shownOn("stdout");
    const lines = whyLines(why, verdict, {
      colors: paletteOf(colorLevel(process.env, isTTY)),
      columns: isTTY ? columns : Number.POSITIVE_INFINITY,
    });
    print(`${lines.join("\n")}\n`);
    return 0;
  },
});

function whyOf(db: string, task: string, run: string | undefined): WhyTask {
  const wanted = idIn({ run });
  try {
    using reader = waitingReader(db);
    return reader.snapshot(() => {
      const found = runToRead(reader, wanted, (each) => isRunAlive(reader.path, each));
      return whyTask(reader, found, task);
    });
  } catch (thrown) {
    throw asUserError(thrown);
  }
}
