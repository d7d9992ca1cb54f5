// `pipeloom demo`: runs the built-in demonstration.

import { defineCliCommand } from "../cli/command.ts";
import { commonFlags, commonOptions } from "./common-flags.ts";
import { executeRun } from "./execute-run.ts";
import { demoDb } from "../store/choose-database.ts";
import { runFlags, runOptions } from "./run-flags.ts";
import { UsageError } from "../cli/usage-error.ts";

export const command = defineCliCommand({
  meta: {
    name: "demo",
    details:
      "Runs tasks of several steps that report their progress, and writes them to a database that you can query.",
    examples: [
      { line: "pipeloom demo -n 10", what: "ten tasks on all cores" },
      {
        line: "pipeloom demo -n 100 --fail-rate 0.1 -vv",
        what: "one in ten fails, with all log lines",
      },
    ],
  },
  args: {
    numTasks: {
      type: "string",
      valueType: "integer",
      alias: "n",
      min: 0,
      default: "20",
      description: "how many tasks",
    },
    steps: {
      type: "string",
      valueType: "integer",
      min: 0,
      default: "20",
      description: "steps of each task",
    },
    stepMs: {
      type: "string",
      valueHint: "ms",
      default: "50-100",
      description: "how long a step takes, in ms: a number or a range",
    },
    failRate: {
      type: "string",
      valueType: "number",
      min: 0,
      max: 1,
      default: "0",
      description: "the share of tasks that fail",
    },
    ...runFlags,
    ...commonFlags,
  },
  async run(flags) {
    const [minStepMs, maxStepMs] = stepRange(flags.stepMs);
    const { numTasks: tasks, steps, failRate } = flags;
    const params = { tasks, steps, minStepMs, maxStepMs, failRate };
    const options = { ...runOptions(flags), db: flags.db ?? demoDb, params };
    return executeRun({ kind: "builtin", name: "demo" }, options, commonOptions(flags));
  },
});

function stepRange(text: string): [low: number, high: number] {
  const [, low, high = low] = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(text) ?? [];
  const range: [number, number] = [Number(low), Number(high)];
  if (low === undefined || range[0] > range[1]) {
    throw new UsageError(`--step-ms must be milliseconds or a range such as 50-100, not "${text}"`);
  }
  return range;
}
