// SQLite compares the names of tables and columns without case, and folds the case of ASCII letters only.

/** Equal for names that are one name to SQLite: `ID` and `id`, but not `Φ` and `φ`. */
export const foldCase = (name: string): string =>
  name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
