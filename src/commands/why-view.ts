// The output of `why`, as text and as data. Pure.
//
// `--json`, one object:
//
//   { "version": 1, "db": "/abs/pipeloom.db", "run", "pipeline",
//     "task": { "id", "name", "definition", "status", "attempt", "machine": text | null, "reason": text | null, "input": JSON text | null },
//     "outcome": "ran" | "reused" | "skipped" | "not run",
//     "because": [text, …],                                 the first is the main one
//     "since": run | null,                                  the run that it is compared with: an earlier one, or the same one, where
//                                                           the code has changed between two sessions of it
//     "changes": [{ "part": "code" | "packages" | "files" | "env" | "params" | "version" | "input", "names": [text, …] }],
//     "diff": [{ "kind": "same" | "removed" | "added" | "gap", "text" }] | null,
//     "failed": [task, …],                                  failed tasks: it was skipped, or waits, because of them
//     "needs": {
//       "tasks": [{ "id", "name", "label", "status", "error", "isRead" }, …],   not done ones first; isRead: it reads the result
//       "tags": [text, …],                                  in a run with an engine: of the workers that may run it
//       "more": number, "isCut": bool,                      how many are not listed, and whether there are even more
//       "fanOuts": [{ "id", "over": [name, …], "yields": [name, …], "items": number | null, "isRead",
//                     "failed": number, "firstFailed": task | null, "running": number }],
//       "itemOf": [{ "id", "over": [name, …] }] } }         it may be an item of these fan-outs
//
// JSON Schema: .github/schemas/why.v1.schema.json.

import { failureLine } from "../base/failure.ts";
import { titleOf } from "../protocol/label.ts";
import { tagWords } from "../protocol/tags.ts";
import { JSON } from "../base/globals.ts";
import { type DiffLine, lineDiff } from "../base/line-diff.ts";
import type { Palette } from "../base/palette.ts";
import { fit, plural, visible, visibleText } from "../base/text.ts";
import type { PartsChange } from "../protocol/reuse.ts";
import type { WhyTask } from "../store/read/why-task.ts";
import { declaredReason } from "../store/rerun-reasons.ts";
import { changeText, partsText } from "../terminal/change-text.ts";
import { changedMembers } from "./changed-members.ts";
import { culpritLine, needsData, needsLines, taskData } from "./needs-view.ts";

const whyVersion = 1;

type Outcome = "ran" | "reused" | "skipped" | "not run";

type Verdict = {
  readonly outcome: Outcome;
  readonly because: readonly string[];
  readonly since: number | null;
  readonly changes: PartsChange["what"];
  readonly diff: readonly DiffLine[] | null;
};

export function verdictOf(why: WhyTask): Verdict {
  const outcome = outcomeOf(why);
  const none = { outcome, since: null, changes: [], diff: null };
  const { task, sessionBefore } = why;
  if (outcome === "skipped" || outcome === "not run") {
    return { ...none, because: [notRunBecause(why), ...why.culprits.map(culpritLine)] };
  }
  const before = sessionBefore ?? why.before;
  const changes = sessionBefore === undefined ? changesOf(why) : codeChange;
  const since = before?.run ?? null;
  const compared = { outcome, since, changes, diff: diffOf(why.definition, before) };
  if (outcome === "reused") {
    return {
      ...compared,
      because: [`${task.reason}: nothing that its result depends on has changed`],
    };
  }
  return { ...compared, because: [...ranBecause(why, changes), ...retried(why)] };
}

const codeChange: PartsChange["what"] = [{ part: "code", names: [] }];

function outcomeOf({ task: { status, reason, attempt } }: WhyTask): Outcome {
  if (status === "skipped") return "skipped";
  if (reason?.startsWith("reused from run ") === true) return "reused";
  return attempt === 0 && status !== "running" ? "not run" : "ran";
}

function notRunBecause({ task: { status, failure, reason }, needs }: WhyTask): string {
  if (failure !== null) return failure.message;
  if (reason !== null) return `it waits to run: ${reason}`;
  if (status !== "queued") return `it is ${status}`;
  const hasOpen =
    needs.tasks.some((task) => task.status === "queued" || task.status === "running") ||
    needs.fanOuts.some(({ running }) => running > 0);
  if (hasOpen) return "it waits for what it depends on: not all of it has ended";
  return needs.tags.length > 0
    ? `it waits for a worker with ${tagWords(needs.tags)}, for a free slot there or a limit, or the run ended before it began; pipeloom workers --engine <url> lists the tags that are there`
    : "it waits for what it depends on, for a free slot or a limit, or the run ended before it began";
}

/** What differs from the run before, as far as that is known. */
function changesOf({
  definition,
  before,
  task,
  taskBefore,
  isOneOfSeveral,
}: WhyTask): PartsChange["what"] {
  if (definition === undefined || before === undefined) return [];
  const { changed } = definition.parts;
  const isCode = definition.fingerprint !== before.fingerprint;
  const parts =
    changed?.run === before.run ? changed.what : isCode ? [{ part: "code", names: [] }] : [];
  const hasInput = !isOneOfSeveral && taskBefore !== undefined && taskBefore.key !== task.key;
  return hasInput
    ? [...parts, { part: "input", names: changedMembers(taskBefore.input, task.input) }]
    : parts;
}

/** Which of the files or variables that it declares had changed when the run was continued. */
function betweenSessions({ run, task, definition }: WhyTask): string[] {
  const changed = definition?.parts.changed;
  return task.reason === declaredReason && changed?.run === run ? [partsText(changed.what)] : [];
}

function ranBecause(why: WhyTask, changes: PartsChange["what"]): string[] {
  const { task, definition, before } = why;
  if (task.reason !== null) return [task.reason, ...betweenSessions(why)];
  if (definition === undefined) return ["the code of this run's tasks was not recorded"];
  if (before === undefined) return ["it is the first run of the pipeline that has this task"];
  if (changes.length > 0) return [changeText({ run: before.run, what: changes })];
  if (definition.alike === null) {
    return [
      `it has no \`reuse\`, so it runs in each run; its code has not changed since run ${before.run}`,
    ];
  }
  if (why.hasEarlier)
    return [
      "an earlier run has its result, and it was to run all the same (--no-reuse, or an equal task has taken it)",
    ];
  if (before.alike === null)
    return [`its results can be reused since this run: it had no \`reuse\` in run ${before.run}`];
  return [
    `no earlier run has a result with this input; nothing else has changed since run ${before.run}`,
  ];
}

const retried = ({ task: { attempt } }: WhyTask): string[] =>
  attempt > 1 ? [`it was tried ${plural(attempt, "time")}: earlier attempts failed`] : [];

function diffOf(
  definition: WhyTask["definition"],
  before: WhyTask["before"],
): readonly DiffLine[] | null {
  if (definition?.source === undefined || before?.source === undefined) return null;
  if (definition.fingerprint === before.fingerprint) return null;
  const lines = lineDiff(before.source, definition.source) ?? [];
  return lines.length === 0 ? null : lines;
}

export const whyData = (why: WhyTask, verdict: Verdict, db: string): object => {
  const { id, name, definition, status, attempt, machine, reason, input } = why.task;
  return {
    version: whyVersion,
    db,
    run: why.run,
    pipeline: why.pipeline,
    task: { id, name, definition, status, attempt, machine, reason, input },
    ...verdict,
    failed: why.culprits.map(taskData),
    needs: needsData(why.needs),
  };
};

type WhyTextView = { readonly colors: Palette; readonly columns: number };

export function whyLines(
  why: WhyTask,
  verdict: Verdict,
  { colors, columns }: WhyTextView,
): string[] {
  const { task, run, pipeline, results, isOneOfSeveral } = why;
  const head = `${colors.bold(visible(titleOf(task.name, task.label)))} ${colors.dim(`#${task.id}`)} of run ${run} (${visible(pipeline)}): ${headline(verdict.outcome, task)}`;
  const more = [
    ...(isOneOfSeveral
      ? [`one of several that are called so; another one: pipeloom why '#<id>' ${run}`]
      : []),
    ...(results === undefined || results.own + results.reused < 2
      ? []
      : [
          `of ${visible(task.definition)}, ${plural(results.own, "task")} ran and ${results.reused} were reused`,
        ]),
  ];
  const failed =
    task.status === "error" && task.failure !== null ? [failureLine(task.failure)] : [];
  const body = [...failed, ...verdict.because, ...more, ...needsLines(why.needs)].flatMap((line) =>
    wrapped(line, columns),
  );
  const first = columns === Number.POSITIVE_INFINITY ? head : Bun.wrapAnsi(head, columns);
  return [...first.split("\n"), ...body, ...diffLines(verdict.diff, colors, columns)];
}

const headline = (outcome: Outcome, { status, machine }: WhyTask["task"]): string =>
  outcome === "ran"
    ? `it ran${machine === null ? "" : ` on ${visible(machine)}`}, and ${status === "error" ? "failed" : `is ${status}`}`
    : outcome === "reused"
      ? "it was reused"
      : outcome === "skipped"
        ? "it was skipped"
        : "it has not run";

const wrapped = (line: string, columns: number): string[] =>
  (columns === Number.POSITIVE_INFINITY
    ? visibleText(line)
    : Bun.wrapAnsi(visibleText(line), Math.max(20, columns - 2), { trim: true })
  )
    .split("\n")
    .map((each) => `  ${each}`);

function diffLines(diff: Verdict["diff"], colors: Palette, columns: number): string[] {
  if (diff === null) return [];
  const lines = diff.map(({ kind, text }) => {
    const line = fit(visible(text), Math.max(1, columns - 4));
    switch (kind) {
      case "same":
        return colors.dim(`    ${line}`);
      case "removed":
        return colors.red(`  - ${line}`);
      case "added":
        return colors.green(`  + ${line}`);
      case "gap":
        return colors.dim("    …");
    }
  });
  return ["", ...lines];
}

export const whyJson = (data: object): string => `${JSON.stringify(data, null, 2)}\n`;
