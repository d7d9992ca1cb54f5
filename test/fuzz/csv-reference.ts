// A second reader of CSV, by other means than src/formats/csv: a whole text, one character after the other. It follows the
// documentation of `RecordReader`.

export type Row = { readonly line: number; readonly fields: readonly string[] | null };

type Found = { readonly fields: readonly string[] | null; readonly end: number };

/** Rows after the header, with `null` for fields that cannot be read. Undefined: the header cannot be read. */
export function referenceRows(
  text: string,
  separator: string,
  newline: "\n" | "\r",
): { readonly header: readonly string[]; readonly rows: readonly Row[] } | undefined {
  const whole = text.endsWith(newline) || text === "" ? text : text + newline;
  let at = 0;
  let line = 1;
  let header: readonly string[] | undefined;
  const rows: Row[] = [];
  while (at < whole.length) {
    const { fields, end } = recordAt(whole, at, separator, newline);
    const first = line;
    line += whole.slice(at, end).split(newline).length - 1;
    const raw = whole.slice(at, end - 1).replace(newline === "\n" ? /\r$/ : /(?!)/, "");
    at = end;
    if (header === undefined) {
      if (raw.trim() === "" && end <= text.length) continue;
      if (fields === null || beginsWithBreak(raw, newline)) return undefined;
      if (fields.length === 1 && isMixed(raw, newline)) return undefined;
      header = fields;
    } else if (raw !== "" || header.length === 1) {
      const isRow =
        fields !== null &&
        fields.length === header.length &&
        !beginsWithBreak(raw, newline) &&
        !(header.length === 1 && isMixed(raw, newline));
      rows.push({ line: first, fields: isRow ? fields : null });
    }
  }
  return { header: header ?? [], rows };
}

/** A plain field with the other line break: with one field per row, nothing else would reveal it. */
const isMixed = (raw: string, newline: "\n" | "\r"): boolean =>
  !raw.startsWith('"') && raw.includes(newline === "\n" ? "\r" : "\n");

const beginsWithBreak = (raw: string, newline: "\n" | "\r"): boolean =>
  newline === "\r" && raw.startsWith("\n");

/** The record that begins at `at`, and the offset after its line break. */
function recordAt(text: string, at: number, separator: string, newline: string): Found {
  const fields: string[] = [];
  for (let from = at; ;) {
    const field =
      text[from] === '"'
        ? quotedAt(text, from, separator, newline)
        : plainAt(text, from, separator, newline);
    if (field.value === null) return { fields: null, end: field.end };
    fields.push(field.value);
    if (field.isLast) return { fields, end: field.end };
    from = field.end;
  }
}

type Field = { readonly value: string | null; readonly end: number; readonly isLast: boolean };

function plainAt(text: string, from: number, separator: string, newline: string): Field {
  let end = from;
  while (text[end] !== separator && text[end] !== newline) end++;
  const isLast = text[end] === newline;
  const value = text.slice(from, end);
  return {
    value: isLast && newline === "\n" ? value.replace(/\r$/, "") : value,
    end: end + 1,
    isLast,
  };
}

function quotedAt(text: string, from: number, separator: string, newline: string): Field {
  let value = "";
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] !== '"') value += text[at];
    else if (text[at + 1] === '"') {
      value += '"';
      at++;
    } else {
      const after = text.slice(at + 1, at + 3);
      if (after.startsWith(separator)) return { value, end: at + 2, isLast: false };
      if (after.startsWith(newline)) return { value, end: at + 2, isLast: true };
      if (after === `\r${newline}`) return { value, end: at + 3, isLast: true };
      return { value: null, end: text.indexOf(newline, at) + 1, isLast: true };
    }
  }
  return { value: null, end: text.length, isLast: true };
}
