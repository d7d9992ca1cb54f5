// The quoting of names in SQL.

/** `"` doubled, in double quotes: safe for any name, and never a keyword. */
export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
