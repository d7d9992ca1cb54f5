// Names of tables and columns, and keys of the state: SQLite would take some texts for another name.

/** What is in a text that cannot be a name; undefined for any other text. */
export function flawOfName(text: string): string | undefined {
  if (text.includes("\0")) return "a NUL, which SQLite takes for its end";
  return text.isWellFormed()
    ? undefined
    : "half of a surrogate pair, which SQLite would take for another character";
}

export const isSqlName = (name: unknown): name is string =>
  typeof name === "string" && name !== "" && flawOfName(name) === undefined;
