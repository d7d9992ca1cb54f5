// SQL as text: a tokenizer that splits statements and tells their kind. Pure.
// The splitting follows sqlite3_complete() (SQLite's complete.c): a trigger ends with `; END ;`, all else with `;`.

export type SqlStatement = {
  /** Without the final semicolon; with the comments before the statement. */
  readonly text: string;
  /** 1 for the first. */
  readonly number: number;
  /** Up to four tokens from the start, words in capitals, without comments: `CREATE TABLE IF`. */
  readonly words: readonly string[];
};

// A token is a comment, a string, a quoted name, a word, or any other single character. The end of a string, a quoted
// name or a comment may be missing.
const token =
  /(?<space>\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<quoted>'[^']*(?:''[^']*)*(?:'|$)|"[^"]*(?:""[^"]*)*(?:"|$)|`[^`]*(?:``[^`]*)*(?:`|$)|\[[^\]]*(?:\]|$))|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|[\s\S]/g;

/** The statements of an SQL text, in order, without empty ones (only comments, only `;`). */
export function splitSql(sql: string): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  let start = 0;
  let words: string[] = [];
  let body: TriggerBody = "none";
  const cut = (end: number): void => {
    const text = sql.slice(start, end).trim();
    if (words.length > 0) statements.push({ text, number: statements.length + 1, words });
    start = end + 1;
    words = [];
    body = "none";
  };
  for (const match of sql.matchAll(token)) {
    if (match.groups?.["space"] !== undefined) continue;
    const [text] = match;
    if (text === ";" && (body === "none" || body === "end")) {
      cut(match.index);
      continue;
    }
    if (text !== ";" && words.length < 4) {
      words.push(match.groups?.["word"] === undefined ? text : text.toUpperCase());
    }
    body = nextBody(body, text, words);
  }
  cut(sql.length);
  return statements;
}

/** Position in a trigger: outside; in its body; after a `;` of its body; after the END that follows a `;`. */
type TriggerBody = "none" | "inside" | "semicolon" | "end";

function nextBody(body: TriggerBody, text: string, words: readonly string[]): TriggerBody {
  if (body === "none") return isTrigger(words) ? "inside" : "none";
  if (text === ";") return "semicolon";
  return body === "semicolon" && text.toUpperCase() === "END" ? "end" : "inside";
}

function isTrigger(words: readonly string[]): boolean {
  const [first, second, third] = words[0] === "EXPLAIN" ? words.slice(1) : words;
  if (first !== "CREATE") return false;
  return second === "TRIGGER" || (isTemporary(second) && third === "TRIGGER");
}

const isTemporary = (word: string | undefined): boolean => word === "TEMP" || word === "TEMPORARY";

const endsTransaction: ReadonlySet<string> = new Set([
  "BEGIN",
  "COMMIT",
  "END",
  "ROLLBACK",
  "SAVEPOINT",
  "RELEASE",
]);
const leavesFile: ReadonlySet<string> = new Set(["ATTACH", "DETACH", "VACUUM"]);

/** Why a statement must not run inside pipeloom's transaction; null if it may. */
export function transactionTrouble({ words }: SqlStatement): string | null {
  const first = words[0] ?? "";
  if (endsTransaction.has(first))
    return `${first} is not for you here: pipeloom holds the transaction`;
  if (leavesFile.has(first))
    return `${first} cannot run here: there is one file and one connection`;
  return null;
}

/** Comments become single spaces. */
export const withoutComments = (sql: string): string =>
  sql.replaceAll(token, (text) => (isComment(text) ? " " : text));

const isComment = (text: string): boolean => text.startsWith("--") || text.startsWith("/*");

/** The first line of a statement after its comments, for messages. At most 100 characters. */
export function firstLine(text: string): string {
  const line = text
    .replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))+/, "")
    .split("\n", 1)[0]
    ?.trim();
  return line === undefined || line.length <= 100 ? (line ?? "") : `${line.slice(0, 100)}…`;
}
