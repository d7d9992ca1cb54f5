// Tokens of JavaScript as Bun prints it: valid, without types, names of locals shortened. So a lexer with few rules is
// enough. A binary `/` stands between blanks, and a statement of the top level begins in the first column.

type TokenKind =
  /** A variable. */
  | "name"
  /** A name after a dot, a key, or a member of a class. */
  | "property"
  | "reserved"
  /** A string, a number, a regular expression, or a part of a template. */
  | "literal"
  | "punctuator";

export type Token = {
  readonly text: string;
  kind: TokenKind;
  /** Where it begins in the text. */
  readonly at: number;
  /** Of an opening bracket: the index of its closing bracket, and the other way round. Otherwise -1. */
  pair: number;
};

const blank = /(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;
const word = /#?[\p{ID_Start}$_\\][\p{ID_Continue}$\\]*/uy;
const number = /\.?\d(?:[eE][+-]|[\w.])*/y;
const string = /"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/y;
const template = /[`}](?:[^`\\$]|\\[^]|\$(?!\{))*(?:`|\$\{)/y;
const regex = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[\w$]*/y;
const punctuator =
  /=>|\.\.\.|\?\.(?!\d)|\+\+|--|[=!]==?|(?:\*\*|<<|>>>?|&&|\|\||\?\?)=?|[-+*/%&|^<>]=|[^]/y;

const reserved = new Set(
  "await break case catch class const continue debugger default delete do else export extends false finally for function if import in instanceof let new null return static super switch this throw true try typeof var void while with yield".split(
    " ",
  ),
);
const values = new Set(["this", "super", "null", "true", "false"]);
const takesParenthesis = new Set(["if", "for", "await", "while", "switch", "catch", "with"]);
const memberStart = new Set(["{", ";", "}", "static", "get", "set", "async", "*"]);

/** Whether an expression may end here, so that `(` is a call, and `/` a division. */
export const endsOperand = ({ kind, text }: Token): boolean =>
  kind === "name" ||
  kind === "property" ||
  (kind === "literal" && !text.endsWith("${")) ||
  values.has(text) ||
  text === ")" ||
  text === "]" ||
  text === "}";

/** @throws SyntaxError where brackets do not match: the text is not what this lexer expects */
export const tokensOf = (text: string): Token[] => new Lexer(text).tokens();

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  /** Indexes of the brackets that are open. */
  readonly #open: number[] = [];
  /** Brackets of class bodies. */
  readonly #classes = new Set<number>();
  /** Numbers of open brackets at each `class` whose body has not begun. */
  readonly #pending: number[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  tokens(): Token[] {
    for (;;) {
      this.#match(blank);
      if (this.#at >= this.#text.length) break;
      this.#next();
    }
    if (this.#open.length > 0) throw new SyntaxError("a bracket is not closed");
    return this.#tokens;
  }

  #next(): void {
    const first = this.#text[this.#at];
    if (first === "`" || (first === "}" && this.#isInTemplate())) return this.#template();
    const literal =
      this.#match(number) ??
      this.#match(string) ??
      (this.#isRegex() ? this.#match(regex) : undefined);
    if (literal !== undefined) return this.#add(literal, "literal");
    const name = this.#match(word);
    if (name !== undefined) return this.#add(name, this.#kindOf(name));
    const text = this.#match(punctuator) ?? "";
    if ("([{".includes(text)) return this.#openBracket(text);
    this.#add(text, "punctuator");
    if (")]}".includes(text)) this.#closeBracket(this.#tokens.length - 1);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #add(text: string, kind: TokenKind): void {
    this.#tokens.push({ text, kind, at: this.#at - text.length, pair: -1 });
  }

  #isRegex(): boolean {
    if (this.#text[this.#at] !== "/") return false;
    const last = this.#tokens.at(-1);
    if (last === undefined || !endsOperand(last)) return true;
    const between = this.#text.slice(last.at + last.text.length, this.#at);
    return between !== " " || !/^=? /.test(this.#text.slice(this.#at + 1, this.#at + 3));
  }

  // ── brackets ──

  #openBracket(text: string): void {
    this.#open.push(this.#tokens.length);
    this.#add(text, "punctuator");
    if (text !== "{" || this.#pending.at(-1) !== this.#open.length - 1) return;
    this.#pending.pop();
    this.#classes.add(this.#tokens.length - 1);
  }

  #closeBracket(index: number): void {
    const open = this.#open.pop();
    const opening = open === undefined ? undefined : this.#tokens[open];
    const closing = this.#tokens[index];
    if (open === undefined || opening === undefined || closing === undefined) {
      throw new SyntaxError("a bracket was not opened");
    }
    opening.pair = index;
    closing.pair = open;
    if (closing.text === ")" && /^\s*\{/.test(this.#text.slice(this.#at, this.#at + 2)))
      this.#nameMethod(open);
  }

  /** `name(…) {` is a method, unless a statement or a function begins with it. */
  #nameMethod(open: number): void {
    const name = this.#tokens[open - 1];
    if (
      name === undefined ||
      takesParenthesis.has(name.text) ||
      !/^[\p{ID_Start}$_]/u.test(name.text)
    )
      return;
    const before = this.#tokens[open - 2]?.text === "*" ? open - 3 : open - 2;
    if (name.text !== "function" && this.#tokens[before]?.text !== "function")
      name.kind = "property";
  }

  #isInTemplate(): boolean {
    const open = this.#open.at(-1);
    return open !== undefined && this.#tokens[open]?.kind === "literal";
  }

  /** The first part of a template is the opening bracket, its last part the closing one. */
  #template(): void {
    const isFirst = this.#text[this.#at] === "`";
    const text = this.#match(template);
    if (text === undefined) throw new SyntaxError("a template is not closed");
    const isLast = text.endsWith("`");
    if (isFirst && !isLast) this.#open.push(this.#tokens.length);
    this.#add(text, "literal");
    if (isLast && !isFirst) this.#closeBracket(this.#tokens.length - 1);
  }

  // ── names ──

  #kindOf(name: string): TokenKind {
    const last = this.#tokens.at(-1)?.text ?? "";
    if (last === "." || last === "?.") return "property";
    if (this.#isKey(last)) return "property";
    if (!reserved.has(name)) return "name";
    if (name === "class") this.#pending.push(this.#open.length);
    return "reserved";
  }

  /** `key: …`, `method(…) {` and the members of a class. */
  #isKey(last: string): boolean {
    const open = this.#open.at(-1);
    if (open === undefined || this.#tokens[open]?.text !== "{") return false;
    const next = this.#text.slice(this.#at).trimStart()[0] ?? "";
    if (this.#classes.has(open)) return memberStart.has(last) && "(=;}".includes(next);
    return (last === "{" || last === ",") && this.#text[this.#at] === ":";
  }
}
