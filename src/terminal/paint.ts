// From one frame to the next in as few bytes as it takes: the text to write, or "". Pure.
//
// Between frames the cursor stands at the start of the row below the region. A `^C` that the terminal echoes
// lands there, does no harm, and is gone with the next frame; and when the terminal rewraps its lines on a resize,
// it carries the cursor along.

import { width } from "../base/text.ts";

const begin = "\x1b[?2026h";
const end = "\x1b[?2026l";
/**
 * Without autowrap a row stays a row, also where the terminal takes a character for wider than we do (ambiguous width,
 * newer pictures): one that went on in the next row would leave pieces of old frames behind.
 */
const noWrap = "\x1b[?7l";
const wrap = "\x1b[?7h";
const clearLine = "\x1b[K";
const clearBelow = "\x1b[J";

const up = (rows: number): string => (rows === 0 ? "" : `\x1b[${rows}A`);
const down = (rows: number): string => (rows === 0 ? "" : `\x1b[${rows}B`);

export type Paint = {
  readonly before: readonly string[];
  /** How many rows `before` takes up now. */
  readonly rowsBefore: number;
  readonly after: readonly string[];
  /** Lines that go above the region, for good. */
  readonly above: readonly string[];
};

/** One synchronized update: the terminal shows all of it or none. */
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
 * Row by row. To clear from the first row of the screen to its end at once is less to write, and tmux would keep
 * what was there in its scrollback. Before the text and not after it: behind a line that ends in the last column,
 * terminals disagree on what is cleared.
 */
const erase = (rows: number): string => `${clearLine}\x1b[B`.repeat(rows) + up(rows);

/**
 * The first word, when the rest of the line is what it was: a spinner turns far more often than anything else does. A word
 * that leaves its colour on for the rest is not written alone.
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

/** Only the lines that differ. */
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
