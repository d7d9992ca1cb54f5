/** A parameter that is several names, separated by commas. */
const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

/** Key columns; `none` is no key. */
export const keyOf = (text: string): string[] => (text.trim() === "none" ? [] : listOf(text));
