// Text from data, made safe and measured. Control characters in names and output are shown, never obeyed.

/** C0 and C1 controls, DEL, bidi marks and overrides, hidden zero-width characters, line separators. */
const unsafe =
  // eslint-disable-next-line no-control-regex
  /[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\p{Surrogate}/gu;

const rightToLeft =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const plainAscii = /^[\x20-\x7e]*$/;
const leftToRightMark = "\u200e";

function show(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (char === "\t") return "    ";
  // The Unicode control pictures: ␀ … ␟ and ␡.
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  if (code < 0x100) return `\\x${code.toString(16)}`;
  if (code >= 0xd800 && code <= 0xdfff) return "\ufffd";
  return `\\u${code.toString(16).padStart(4, "0")}`;
}

/** Colour codes of user code are dropped: made visible, they only make a line hard to read. */
// eslint-disable-next-line no-control-regex
const colorCodes = /\x1b\[[\d;:]*m/g;

/** One line: colour codes are dropped, and control characters and line breaks become visible ones. */
export function visible(text: string): string {
  return plainAscii.test(text) ? text : text.replace(colorCodes, "").replace(unsafe, show);
}

/**
 * Characters that combine several emoji into one: joiners, skin tones, variation selectors, keycaps, tags of flags. Some
 * terminals draw the result in two columns, others (xterm, VTE, Alacritty) draw each part in its own columns.
 */
const pictureParts =
  /(?<!\p{L}\p{M}*)\u200d|\u20e3|[\ufe0e\ufe0f]|[\u{1f3fb}-\u{1f3ff}]|[\u{e0020}-\u{e007f}]/gu;

/** `visible` for a row that is redrawn: without characters that terminals measure differently. */
export function cellText(text: string): string {
  return plainAscii.test(text) ? text : visible(text).replace(pictureParts, "");
}

/** Splits at line breaks, then makes each line visible. A trailing break adds no empty line. */
export function visibleLines(text: string): string[] {
  const trimmed = text.slice(0, lengthWithoutBreaks(text));
  return trimmed.includes("\n") ? trimmed.split(/\r?\n/).map(visible) : [visible(trimmed)];
}

/** A search for breaks at the end would begin at each break. */
function lengthWithoutBreaks(text: string): number {
  let end = text.length;
  while (text[end - 1] === "\n") end -= text[end - 2] === "\r" ? 2 : 1;
  return end;
}

/** `visible` for text of several lines; line breaks stay. */
export const visibleText = (text: string): string => visibleLines(text).join("\n");

/** Columns on a terminal; escape codes have none. */
export const width = (text: string): number => Bun.stringWidth(text);

/** Made on demand: it takes 1 ms, and most threads never need it. */
let graphemes: Intl.Segmenter | undefined;

/** Rows of a terminal that the text takes up. A wide character does not cross the edge. */
export function rowsOf(text: string, columns: number): number {
  const plain = Bun.stripANSI(text);
  if (Bun.stringWidth(plain) <= columns) return 1;
  if (plainAscii.test(plain)) return Math.ceil(plain.length / columns);
  let rows = 1;
  let column = 0;
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment } of graphemes.segment(plain)) {
    const wide = Bun.stringWidth(segment);
    if (column + wide > columns) {
      rows++;
      column = 0;
    }
    column += wide;
  }
  return rows;
}

/** Cuts to at most `columns`, with an ellipsis at the cut. Escape codes are closed. */
export function fit(text: string, columns: number): string {
  if (columns <= 0) return "";
  if (Bun.stringWidth(text) <= columns) return text;
  // In Bun 1.4.5 sliceAnsi lets a wide character cross the edge and does not count some marks that stringWidth counts.
  for (let end = columns; end > 0; end--) {
    const cut = Bun.sliceAnsi(text, 0, end, "…");
    if (Bun.stringWidth(cut) <= columns) return cut;
  }
  return "…";
}

/**
 * Breaks a line at its words; further lines are indented by two more than the first. A word that is longer stays whole, so that
 * a path can be copied.
 */
export function wrapped(line: string, columns: number): string[] {
  const text = line.trimStart();
  const lead = " ".repeat(line.length - text.length);
  return wrappedBelow(lead, `${lead}  `, text, columns);
}

/** As `wrapped`. @param rest what is before the further lines, as `lead` is before the first */
export function wrappedBelow(lead: string, rest: string, text: string, columns: number): string[] {
  if (columns === Infinity || width(lead) + width(text) <= columns) return [lead + text];
  const room = Math.max(1, columns - Math.max(width(lead), width(rest)));
  const rows = Bun.wrapAnsi(text, room, { trim: true }).split("\n");
  return rows.map((row, i) => (i === 0 ? lead : rest) + row);
}

/** Cuts to at most `columns`, with an ellipsis in the middle: what tells two texts apart is often at their ends. */
export function fitMiddle(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  if (columns < 3) return fit(text, columns);
  // Most names; to look for the parts of the others takes 20 times as long.
  if (plainAscii.test(text)) {
    const half = (columns - 1) / 2;
    return `${text.slice(0, Math.ceil(half))}…${text.slice(text.length - Math.floor(half))}`;
  }
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  const parts = Array.from(graphemes.segment(text), ({ segment }) => segment);
  const head = taken(parts, Math.ceil((columns - 1) / 2));
  const tail = taken(parts.toReversed(), columns - 1 - Bun.stringWidth(head.join("")));
  return `${head.join("")}…${tail.toReversed().join("")}`;
}

/** The first parts that fit. */
function taken(parts: readonly string[], columns: number): readonly string[] {
  let room = columns;
  const end = parts.findIndex((part) => (room -= Bun.stringWidth(part)) < 0);
  return end === -1 ? parts : parts.slice(0, end);
}

/**
 * Exactly `columns` wide. A left-to-right mark follows right-to-left text: a terminal that reorders it would also move
 * the bar and the figures after it.
 * @param cutTo where a longer text is cut: `fit` or `fitMiddle`
 */
export function pad(text: string, columns: number, cutTo = fit): string {
  const cut = cutTo(text, columns);
  const filled = cut + " ".repeat(Math.max(0, columns - Bun.stringWidth(cut)));
  return rightToLeft.test(cut) ? filled + leftToRightMark : filled;
}

export const padStart = (text: string, columns: number): string =>
  " ".repeat(Math.max(0, columns - Bun.stringWidth(text))) + text;

export const plural = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${grouped(count)} ${count === 1 ? noun : nouns}`;

/** Equal for messages that differ only in numbers, such as a line or a page: these have one reason. */
export const withoutNumbers = (message: string): string => message.replaceAll(/\d+/g, "0");

/** 1234567 → 1,234,567 */
export const grouped = (count: number): string =>
  String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ",");

/** A path below `cwd` is shown relative to it, any other path whole. */
export function relative(path: string, cwd: string): string {
  if (path.startsWith("./")) return path.slice(2);
  return cwd !== "" && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}
