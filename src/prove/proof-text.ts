// The result of a proof, as text and as JSON.

import { registry } from "../api/registry.ts";
import { firstFew } from "../base/first-few.ts";
import { duration } from "../base/format-duration.ts";
import { JSON } from "../base/globals.ts";
import { cellText, grouped, plural } from "../base/text.ts";
import type { Difference } from "../store/read/row-differences.ts";
import { valueInJson, valueText } from "../store/read/value-text.ts";
import { type CountName, countNames, type FirstFinding } from "./findings.ts";
import type { Proof } from "./prover.ts";

/** A task that does something outside the database, as far as that can be known. */
type Effect = {
  readonly task: string;
  /** `a program`, `fetch`; null: nothing is known. */
  readonly effect: string | null;
  /** Attempts that have begun in all cycles, at least. */
  readonly ran: number;
  /** As often as the undisturbed run, times the cycles. */
  readonly expected: number;
};

type About = {
  readonly pipeline: string;
  readonly seed: number;
  readonly effects: readonly Effect[];
};

const labels: Readonly<Record<CountName, string>> = {
  tasksLost: "tasks lost",
  tasksTwice: "tasks twice",
  tasksChanged: "tasks changed",
  rowsLost: "rows lost",
  rowsTwice: "rows twice",
  rowsChanged: "rows changed",
  filesChanged: "files changed",
  lateSends: "late sends",
  notRepeatable: "not repeatable",
  programsLeft: "programs left",
  corrupt: "corrupt",
  failed: "failed",
  hangs: "hangs",
};

/** Other counts are of all cycles. */
const scopes: Partial<Readonly<Record<CountName, string>>> = {
  lateSends: "  in the undisturbed runs",
};

/** More lines of a list are counted. */
const maxListed = 10;
const maxValueChars = 200;

/** Tasks that have run more often than they count, or whose code shows that it acts outside the database. */
export function effectsOf({ ran, cycles }: Proof): Effect[] {
  return [...ran]
    .map(([task, { attempts, tasks }]) => ({
      task,
      effect: effectIn(task),
      ran: attempts,
      expected: tasks * cycles,
    }))
    .filter(({ effect, ran: times, expected }) => effect !== null || times > expected)
    .toSorted((a, b) => Number(b.effect !== null) - Number(a.effect !== null));
}

/** From the text of `run`: what a function of another file does is not seen. */
function effectIn(task: string): string | null {
  if (registry.programs.has(task)) return "a program";
  const code = String(registry.options.get(task)?.run ?? "");
  if (/\bfetch\s*\(/.test(code)) return "fetch";
  if (/\bBun\.(?:spawn|\$)|\$`/.test(code)) return "a program";
  return /\b(?:writeFile|appendFile)(?:Sync)?\s*\(|\bBun\.write\s*\(/.test(code) ? "a file" : null;
}

export function proofLines(proof: Proof, about: About): string[] {
  const { findings, cycles, tally, canCutPower, size, leftOut, files, tookMs } = proof;
  const done = [plural(cycles, "cycle"), plural(tally.kills, "kill")];
  const power = canCutPower ? plural(tally.cuts, "power cut") : "power cuts: not on this system";
  const verdict = findings.total === 0 ? "proved" : "NOT proved";
  return [
    `${verdict}: ${cellText(about.pipeline)}, ${[...done, power].join(", ")} in ${duration(tookMs)}, seed ${about.seed}`,
    `compared with an undisturbed run: ${plural(size.tasks, "task")}, ${plural(size.rows, "row")}`,
    "",
    ...countNames.map(
      (name) =>
        `  ${labels[name].padEnd(14)} ${grouped(findings.counts[name]).padStart(6)}${scopes[name] ?? ""}`,
    ),
    ...section(
      "the first difference",
      findings.first === undefined ? [] : firstLines(findings.first),
    ),
    ...section("left out, because two undisturbed runs differ in it", leftOut.map(cellText)),
    ...section(
      "at least once (a kill does not undo what these tasks do outside the database)",
      about.effects.map(effectLine),
    ),
    ...section("files that the runs wrote", files.map(cellText)),
    ...section("notes", notesOf(proof)),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, maxListed);
  const more = lines.length - shown.length;
  return [
    "",
    `${title}:`,
    ...shown.map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${grouped(more)} more`] : []),
  ];
}

function firstLines({ cycle, what }: FirstFinding): string[] {
  const where = cycle === 0 ? "undisturbed" : `in cycle ${cycle}`;
  switch (what.type) {
    case "text":
      return [`${cellText(what.text)} (${where})`];
    case "task":
      return [
        what.happened === "lost"
          ? `task ${what.id} was done, and then it was not (${where})`
          : `task ${what.id} was done, and ran again (${where})`,
      ];
    case "file":
      return [
        `${cellText(what.path)} (${where})`,
        `undisturbed: ${what.undisturbed}`,
        `found:       ${what.found}`,
      ];
    case "difference":
      return [
        `${cellText([what.place, ...valuesOf(what.key)].join(", "))} (${where})`,
        `undisturbed: ${rowText(what.undisturbed)}`,
        `found:       ${rowText(what.found)}`,
      ];
  }
}

function rowText(side: Difference["found"]): string {
  if (side === null) return "no such row";
  const text = valuesOf(side.row).join(", ");
  const cut = text.length > maxValueChars ? `${text.slice(0, maxValueChars)}…` : text;
  return `${cellText(cut)}${side.times === 1 ? "" : ` (${side.times} times)`}`;
}

const valuesOf = (row: Difference["key"]): string[] =>
  Object.entries(row).map(([name, value]) => `${name} = ${valueText(value)}`);

const effectLine = ({ task, effect, ran, expected }: Effect): string =>
  `${cellText(task)}${effect === null ? "" : ` (${effect})`} ran ${plural(ran, "time")}` +
  (ran > expected ? ` instead of ${grouped(expected)}` : "");

function fileNotes({ notCompared, madeOnce }: Proof): string[] {
  const other =
    "not compared, because two undisturbed runs leave something else in it, or because of its size";
  const once = "made by the first undisturbed run and not written by the second";
  const untried =
    "a task that skips its work when such a file is there was never killed in that work";
  return [
    ...(notCompared.length === 0 ? [] : [`${other}: ${firstFew(notCompared.map(cellText))}`]),
    ...(madeOnce.length === 0 ? [] : [`${once}: ${firstFew(madeOnce.map(cellText))}; ${untried}`]),
  ];
}

function notesOf(proof: Proof): string[] {
  const { tally, canCutPower, findings, leftOut, unequal, renumbered, isWatched } = proof;
  const { lostToPower, unexplained, tooLarge } = tally;
  const notes = [...unequal.map((one) => `${one} in two undisturbed runs`), ...fileNotes(proof)];
  notes.push(
    ...renumbered.map(
      (column) =>
        `${cellText(column)}: after kills, other numbers for the same rows; SQLite numbers them in the order of commits`,
    ),
  );
  if (unequal.length > 0) {
    notes.push(
      "what is not repeatable cannot be proved; a plan that depends on time or chance differs when a run continues",
    );
  }
  if (findings.counts.tasksTwice > 0 && leftOut.some((column) => /^task.*\.key$/.test(column))) {
    notes.push(
      "the inputs of tasks differ from run to run: a plan that depends on time or chance repeats tasks when a run continues",
    );
  }
  if (lostToPower > 0) {
    notes.push(
      `${plural(lostToPower, "announced task")} lost to power cuts, and done again: --durability normal survives the process, not the power`,
    );
  }
  if (unexplained > 0) {
    notes.push(
      `${plural(unexplained, "time")} no power was cut: what SQLite wrote in pipeloom does not explain what is in the file; does another program write to it?`,
    );
  }
  if (tooLarge > 0) {
    notes.push(
      `${plural(tooLarge, "time")} no power was cut: more than 256 MB to replay; take a smaller input`,
    );
  }
  if (!canCutPower) notes.push("no power was cut: what SQLite writes cannot be recorded here");
  if (!isWatched) notes.push("the files beside the database are not compared: there are too many");
  if (findings.counts.failed > 0) notes.push("a failed cycle was not compared");
  return notes;
}

export function proofJson(proof: Proof, { pipeline, seed, effects }: About): string {
  const { findings, cycles, tally, canCutPower, leftOut, size, files } = proof;
  const { kills, cuts, lostToPower, unexplained, tooLarge } = tally;
  return JSON.stringify({
    version: 1,
    pipeline,
    seed,
    proved: findings.total === 0,
    cycles,
    kills,
    powerCuts: canCutPower ? cuts : null,
    ...findings.counts,
    first: findings.first === undefined ? null : firstInJson(findings.first),
    compared: size,
    leftOut,
    unequal: proof.unequal,
    renumbered: proof.renumbered,
    atLeastOnce: effects,
    files: proof.isWatched ? files : null,
    notCompared: proof.notCompared,
    madeOnce: proof.madeOnce,
    lostToPower,
    unexplained,
    tooLarge,
    tookMs: Math.round(proof.tookMs),
  });
}

function firstInJson({ cycle, what }: FirstFinding): unknown {
  if (what.type !== "difference") return { cycle, what };
  const { key, undisturbed, found } = what;
  const side = (rows: Difference["found"]): unknown =>
    rows === null ? null : { times: rows.times, row: rowInJson(rows.row) };
  return {
    cycle,
    what: { ...what, key: rowInJson(key), undisturbed: side(undisturbed), found: side(found) },
  };
}

const rowInJson = (row: Difference["key"]): unknown =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, valueInJson(value)]));
