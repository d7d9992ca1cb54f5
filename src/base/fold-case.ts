// When two names are one to SQLite: it compares the names of tables and columns without case, and knows the case of
// ASCII letters only.

/** The same text for names that SQLite takes for one: `ID` and `id`, but not `Φ` and `φ`. */
export const foldCase = (name: string): string =>
  name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
