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

/** A name, a string or number, or punctuation. Where a file is read once, one expression is faster than five. */
const lexeme =
  /\s*(?:(#?[a-zA-Z_$\\\u0080-\uffff][\w$\\\u0080-\uffff]*)|("(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|\.?\d(?:[eE][+-]|[\w.])*)|(=>|\.\.\.|\?\.(?!\d)|\+\+|--|[=!]==?|(?:\*\*|<<|>>>?|&&|\|\||\?\?)=?|[-+*/%&|^<>]=|[^\s]))/y;
const comment = /\/\/[^\n]*|\/\*[^]*?\*\//y;
const template = /[`}](?:[^`\\$]|\\[^]|\$(?!\{))*(?:`|\$\{)/y;
const regex = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[\w$]*/y;

const reserved = new Set(
  "await break case catch class const continue debugger default delete do else export extends false finally for function if import in instanceof let new null return static super switch this throw true try typeof var void while with yield".split(
    " ",
  ),
);
const values = new Set(["this", "super", "null", "true", "false"]);
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
      lexeme.lastIndex = this.#at;
      const found = lexeme.exec(this.#text);
      if (found === null) break;
      this.#at = lexeme.lastIndex;
      const [, name, literal, punctuator] = found;
      if (name !== undefined) this.#add(name, this.#kindOf(name));
      else if (literal !== undefined) this.#add(literal, "literal");
      else if (punctuator !== undefined) this.#addPunctuator(punctuator);
    }
    if (this.#open.length > 0) throw new SyntaxError("a bracket is not closed");
    return this.#tokens;
  }

  #addPunctuator(text: string): void {
    const start = this.#at - text.length;
    switch (text[0] ?? "") {
      case "/":
        if (this.#match(comment, start) !== undefined) return;
        if (this.#isRegex(start)) return this.#add(this.#match(regex, start) ?? text, "literal");
        break;
      case "`":
        return this.#template(start);
      case "(":
      case "[":
      case "{":
        return this.#openBracket(text);
      case "}":
        if (this.#isInTemplate()) return this.#template(start);
        break;
    }
    this.#add(text, "punctuator");
    if (text === ")" || text === "]" || text === "}") this.#closeBracket(this.#tokens.length - 1);
  }

  #match(pattern: RegExp, start: number): string | undefined {
    pattern.lastIndex = start;
    if (!pattern.test(this.#text)) return undefined;
    this.#at = pattern.lastIndex;
    return this.#text.slice(start, this.#at);
  }

  #add(text: string, kind: TokenKind): void {
    this.#tokens.push({ text, kind, at: this.#at - text.length, pair: -1 });
  }

  #isRegex(start: number): boolean {
    const last = this.#tokens.at(-1);
    if (last === undefined || !(endsOperand(last) || /^(?:\+\+|--)$/.test(last.text))) return true;
    const between = this.#text.slice(last.at + last.text.length, start);
    return between !== " " || !/^=? /.test(this.#text.slice(start + 1, start + 3));
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

  /** `name(…) {` is a method; a statement has a blank there, as in `if (…) {`. */
  #nameMethod(open: number): void {
    const name = this.#tokens[open - 1];
    const isMethod =
      name !== undefined &&
      this.#pending.at(-1) !== this.#open.length &&
      name.kind !== "literal" &&
      name.kind !== "punctuator" &&
      name.at + name.text.length === this.#tokens[open]?.at;
    const before = this.#tokens[open - 2]?.text === "*" ? open - 3 : open - 2;
    if (!isMethod || name.text === "function" || this.#tokens[before]?.text === "function") return;
    name.kind = "property";
  }

  #isInTemplate(): boolean {
    const open = this.#open.at(-1);
    return open !== undefined && this.#tokens[open]?.kind === "literal";
  }

  /** The first part of a template is the opening bracket, its last part the closing one. */
  #template(start: number): void {
    const isFirst = this.#text[start] === "`";
    const text = this.#match(template, start);
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
