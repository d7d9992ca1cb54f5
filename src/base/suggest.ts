// "did you mean …": the nearest known word, by edit distance.

/**
 * Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours cost 1 each.
 * (Damerau 1964, restricted so that no part is edited twice.)
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + same,
        swapped ? at(beforeLast, j - 2) + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Infinity;

/** Differences in case, `_` and camelCase do not count. */
const normal = (word: string): string =>
  word
    .replace(/([a-z\d])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase();

/** Longer words have no nearest one: this bounds the cost when a page is pasted into the terminal. */
const maxLength = 64;

/** The candidate nearest to `typed`, or undefined when none is near. Equal distances: the first one wins. */
export function nearest(typed: string, candidates: readonly string[]): string | undefined {
  if (typed.length > maxLength) return undefined;
  const word = normal(typed);
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const distance = distanceTo(word, normal(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Infinity when too far. A prefix of 3 or more letters counts as near: `work` → `workers`. */
function distanceTo(word: string, candidate: string): number {
  const distance = editDistance(word, candidate);
  const allowed = Math.max(1, Math.floor(Math.min(word.length, candidate.length) / 3));
  if (distance <= allowed) return distance;
  return word.length >= 3 && candidate.startsWith(word) ? allowed + 1 : Infinity;
}

export const didYouMean = (word: string | undefined): string | undefined =>
  word === undefined ? undefined : `did you mean ${word}?`;
