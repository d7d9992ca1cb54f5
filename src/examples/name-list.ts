/** Splits names that are separated by commas. */
const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

/** Key columns. `none`: no key. */
export const keyOf = (text: string): string[] => (text.trim() === "none" ? [] : listOf(text));
