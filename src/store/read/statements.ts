// Where one SQL statement ends, so that what follows it is not ignored in silence (SQLite prepares the first one only).

/** Strings, quoted names and comments, in which a semicolon ends nothing; a comment may lack its end. */
const skipped =
  /'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|;/g;

const isComment = (text: string): boolean => text.startsWith("--") || text.startsWith("/*");

/** Without comments: what is before the first semicolon that ends something, and what is after it. */
function split(sql: string): { first: string; rest: string } {
  const bare = sql.replaceAll(skipped, (text) => (isComment(text) ? " " : text));
  for (const { 0: text, index } of bare.matchAll(skipped)) {
    if (text !== ";" || !hasContent(bare.slice(0, index))) continue;
    return { first: bare.slice(0, index), rest: bare.slice(index) };
  }
  return { first: bare, rest: "" };
}

const hasContent = (text: string): boolean => /[^\s;]/.test(text);

/** Whether anything but comments, spaces and semicolons follows the first statement. */
export const hasMoreStatements = (sql: string): boolean => hasContent(split(sql).rest);

/** Whether there is no statement at all. */
export const isBlank = (sql: string): boolean => !hasContent(split(sql).first);

/** The first statement alone, without comments and semicolons: it can stand in a subquery. */
export const firstStatement = (sql: string): string => split(sql).first.replace(/^[\s;]+/, "");
