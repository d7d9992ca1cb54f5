// The difference between two frames as the shortest text to write, or "". Pure.
//
// Between frames the cursor is at the start of the row below the region. The terminal echoes `^C` there, and the next
// frame erases it. When a resize rewraps the lines, the terminal moves the cursor along with its row.

import { width } from "../base/text.ts";

const begin = "\x1b[?2026h";
const end = "\x1b[?2026l";
/**
 * Without autowrap a line takes one row, also if the terminal draws a character wider than we measure it (ambiguous
 * width, newer emoji). A line that wraps would leave pieces of old frames behind.
 */
const noWrap = "\x1b[?7l";
const wrap = "\x1b[?7h";
const clearLine = "\x1b[K";
const clearBelow = "\x1b[J";

const up = (rows: number): string => (rows === 0 ? "" : `\x1b[${rows}A`);
const down = (rows: number): string => (rows === 0 ? "" : `\x1b[${rows}B`);

type Paint = {
  readonly before: readonly string[];
  /** Rows that `before` takes up now. */
  readonly rowsBefore: number;
  readonly after: readonly string[];
  /** Lines printed above the region, for good. */
  readonly above: readonly string[];
};

/** One synchronized update: the terminal shows all of it at once. */
export function paint({ before, rowsBefore, after, above }: Paint): string {
  const asIs = rowsBefore === before.length && above.length === 0;
  const body = asIs ? changed(before, after) : whole(rowsBefore, after, above);
  return body === "" ? "" : `${begin}${body}${end}`;
}

function whole(rowsBefore: number, after: readonly string[], above: readonly string[]): string {
  const kept = above.map((line) => `${line}\r\n`).join("");
  const rows = after.map((line) => `${line}\r\n`).join("");
  const region = rows === "" ? "" : `${noWrap}${rows}${wrap}`;
  return `\r${up(rowsBefore)}${erase(rowsBefore)}${kept}${region}${clearBelow}`;
}

/**
 * Erases row by row: when the screen is cleared from its first row, tmux keeps the old rows in its scrollback. Erases
 * before the text is written: after a character in the last column, terminals disagree on what an erase removes.
 */
const erase = (rows: number): string => `${clearLine}\x1b[B`.repeat(rows) + up(rows);

/**
 * The first word, if the rest of the line has not changed: most changes are turns of a spinner. Not for a word that
 * leaves its colour on for the rest.
 */
function onlyHead(before: string, after: string): string | undefined {
  const head = headOf(after);
  const headBefore = headOf(before);
  if (head === undefined || headBefore === undefined) return undefined;
  const isSame =
    before.length - headBefore.length === after.length - head.length &&
    before.endsWith(after.slice(head.length));
  return isSame && width(head) === width(headBefore) ? head : undefined;
}

const endsColor = "\x1b[39m";

function headOf(line: string): string | undefined {
  const length = line.indexOf(" ");
  if (length < 1) return undefined;
  const head = line.slice(0, length);
  return head.includes("\x1b") && !head.endsWith(endsColor) ? undefined : head;
}

/** The lines that differ. */
function changed(before: readonly string[], after: readonly string[]): string {
  let text = "";
  let skipped = 0;
  for (const [i, line] of after.entries()) {
    if (line === before[i]) {
      skipped++;
      continue;
    }
    text += `${down(skipped)}${onlyHead(before[i] ?? "", line) ?? line + clearLine}\r\n`;
    skipped = 0;
  }
  const shorter = after.length < before.length ? clearBelow : "";
  if (text === "" && shorter === "") return "";
  const rows = text === "" ? "" : `${noWrap}${text}${wrap}`;
  return `\r${up(before.length)}${rows}${down(skipped)}${shorter}`;
}
