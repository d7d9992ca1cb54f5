// When two names are one column: SQLite compares them without case, and knows the case of ASCII letters only.

/** Equal for the names that SQLite takes for the same: `ID` and `id`, but not `Φ` and `φ`. */
export const foldColumnName = (name: string): string =>
  name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
