// Reads SQL text as far as needed to cut it into statements and to see what kind each is. Pure.
// The cutting follows sqlite3_complete() (SQLite's complete.c): a trigger ends with `; END ;`, all else with `;`.

export type SqlStatement = {
  /** Without the final semicolon; comments between statements stay in front. */
  readonly text: string;
  /** 1 for the first. */
  readonly number: number;
  /** The first tokens, words in capitals, up to four, without comments: `CREATE TABLE IF`. */
  readonly words: readonly string[];
};

// Comments, strings and quoted names as wholes; a word; any other single character.
const token =
  /(?<space>\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<quoted>'[^']*(?:''[^']*)*(?:'|$)|"[^"]*(?:""[^"]*)*(?:"|$)|`[^`]*(?:``[^`]*)*(?:`|$)|\[[^\]]*(?:\]|$))|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|[\s\S]/g;

/** The statements of an SQL text, in order; empty ones (only comments, only `;`) are left out. */
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

/** Where in a trigger: not in one; in its body; after a `;` of its body; after the END that follows one. */
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

/** Why a statement may not run inside a transaction that is pipeloom's; null when it may. */
export function transactionTrouble({ words }: SqlStatement): string | null {
  const first = words[0] ?? "";
  if (endsTransaction.has(first))
    return `${first} is not for you here: pipeloom holds the transaction`;
  if (leavesFile.has(first))
    return `${first} cannot run here: there is one file and one connection`;
  return null;
}

/** The first line of a statement's own text, for messages. */
export function firstLine(text: string): string {
  const line = text
    .replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))+/, "")
    .split("\n", 1)[0]
    ?.trim();
  return line === undefined || line.length <= 100 ? (line ?? "") : `${line.slice(0, 100)}…`;
}
