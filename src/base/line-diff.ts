// The lines in which two texts differ. Longest common subsequence (Hunt and Szymanski describe the problem; here the plain
// table): code of one task is short.

/** Cells of the table: 2,000 changed lines on each side. */
const maxCells = 4_000_000;
const context = 2;

/** `+`: only in the second text. `…`: lines that both have are left out. */
export type DiffLine = {
  readonly kind: "same" | "removed" | "added" | "gap";
  readonly text: string;
};

/** Undefined where too much differs to be compared. */
export function lineDiff(before: string, after: string): readonly DiffLine[] | undefined {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  const most = Math.min(old.length, now.length) - start;
  while (end < most && old[old.length - 1 - end] === now[now.length - 1 - end]) end++;
  const middle = changes(old.slice(start, old.length - end), now.slice(start, now.length - end));
  if (middle === undefined) return undefined;
  return withGaps([...same(old.slice(0, start)), ...middle, ...same(old.slice(old.length - end))]);
}

const same = (lines: readonly string[]): DiffLine[] =>
  lines.map((text) => ({ kind: "same", text }));

function changes(old: readonly string[], now: readonly string[]): DiffLine[] | undefined {
  const width = now.length + 1;
  if ((old.length + 1) * width > maxCells) return undefined;
  // lengths[i * width + j]: of the longest common subsequence of the lines from i and from j on.
  const lengths = new Int32Array((old.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const [removed, added] = [old[i], now[j]];
    if (removed !== undefined && removed === added) {
      lines.push({ kind: "same", text: removed });
      i++;
      j++;
    } else if (removed !== undefined && (added === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: "removed", text: removed });
      i++;
    } else if (added !== undefined) {
      lines.push({ kind: "added", text: added });
      j++;
    }
  }
  return lines;
}

/** Only lines near a change are shown. */
function withGaps(lines: readonly DiffLine[]): DiffLine[] {
  const isShown = new Uint8Array(lines.length);
  for (const [index, { kind }] of lines.entries()) {
    if (kind !== "same") isShown.fill(1, Math.max(0, index - context), index + context + 1);
  }
  const shown: DiffLine[] = [];
  for (const [index, line] of lines.entries()) {
    if (isShown[index] === 1) shown.push(line);
    else if (shown.length > 0 && shown.at(-1)?.kind !== "gap")
      shown.push({ kind: "gap", text: "" });
  }
  if (shown.at(-1)?.kind === "gap") shown.pop();
  return shown;
}
