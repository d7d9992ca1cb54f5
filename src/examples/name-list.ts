// Lists of names in a flag or a parameter.

import { foldCase } from "../base/fold-case.ts";

/** Splits names that are separated by commas. */
const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

/** Key columns. `none`: no key. */
export const keyOf = (text: string): string[] => (text.trim() === "none" ? [] : listOf(text));

/** @throws Error for a key without a column, and for one that has a column twice */
export function checkKeyNames(text: string): void {
  const names = keyOf(text);
  if (names.length === 0 && text.trim() !== "none") {
    throw new Error(`${JSON.stringify(text)} names no column`);
  }
  const folded = names.map(foldCase);
  const twice = names.find((name, index) => folded.indexOf(foldCase(name)) !== index);
  if (twice !== undefined) throw new Error(`the column ${JSON.stringify(twice)} is named twice`);
}
