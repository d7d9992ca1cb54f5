// JSON text as a person wrote it, read without altering it: JSON.parse rounds numbers and keeps the last of two equal keys.

import { JSON } from "./globals.ts";
import { memberPath } from "./json.ts";

/** The text is JSON, and reading it would change what it says. `path` reads like code: `orders[3].id`, or "" at the root. */
export class AlteredJsonError extends Error {
  override readonly name = "AlteredJsonError";
  readonly path: string;
  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** @throws SyntaxError when it is not JSON, AlteredJsonError when the value would not be what the text says */
export function parseExactJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  new Scanner(text).value("", 0);
  return value;
}

/** The shortest decimal that reads as this number says the same as the literal: 0.1 and 1e3 do, 9007199254740993 does not. */
export function isExactNumber(literal: string): boolean {
  const number = Number(literal);
  return Number.isFinite(number) && decimalOf(literal) === decimalOf(String(number));
}

/** No double needs more digits than this to be written out. */
const maxLiteralChars = 1100;
const literalParts = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i;

/** The same text for literals of the same value; undefined for what is not a decimal literal. */
function decimalOf(literal: string): string | undefined {
  if (literal.length > maxLiteralChars) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = literalParts.exec(literal) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const scale = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${sign === "-" ? "-" : ""}${significant}e${scale}`;
}

export const alteredNumber = (literal: string): string =>
  `${shortened(literal)} has more digits than a number keeps (it would become ${Number(literal)})`;

const shortened = (literal: string): string =>
  literal.length > 60 ? `${literal.slice(0, 60)}…` : literal;

const maxDepth = 1000;

/** Walks over text that JSON.parse has accepted. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(path: string, depth: number): void {
    if (depth > maxDepth) throw new AlteredJsonError(path, `more than ${maxDepth} levels deep`);
    switch (this.#peek()) {
      case "{":
        return this.#object(path, depth);
      case "[":
        return this.#array(path, depth);
      case '"':
        return void this.#string();
      default:
        return this.#literal(path);
    }
  }

  #object(path: string, depth: number): void {
    const seen = new Set<string>();
    this.#at++;
    while (this.#peek() !== "}") {
      const key = JSON.parse(this.#string()) as string;
      const member = path === "" ? key : memberPath(path, key);
      if (seen.has(key)) throw new AlteredJsonError(member, "is given twice; keep one of them");
      seen.add(key);
      this.#skip(":");
      this.value(member, depth + 1);
      this.#skip(",");
    }
    this.#at++;
  }

  #array(path: string, depth: number): void {
    this.#at++;
    for (let i = 0; this.#peek() !== "]"; i++) {
      this.value(`${path}[${i}]`, depth + 1);
      this.#skip(",");
    }
    this.#at++;
  }

  /** With its quotes. */
  #string(): string {
    const start = this.#at;
    let end = start;
    do end = this.#text.indexOf('"', end + 1);
    while (this.#isEscaped(end));
    this.#at = end + 1;
    return this.#text.slice(start, this.#at);
  }

  /** An odd number of backslashes stands before it. */
  #isEscaped(at: number): boolean {
    let before = at;
    while (this.#text[before - 1] === "\\") before--;
    return (at - before) % 2 === 1;
  }

  /** A number, true, false or null. */
  #literal(path: string): void {
    const start = this.#at;
    while (/[\w.+-]/.test(this.#text[this.#at] ?? "")) this.#at++;
    const literal = this.#text.slice(start, this.#at);
    if (/^[-\d]/.test(literal) && !isExactNumber(literal)) {
      throw new AlteredJsonError(
        path,
        `${alteredNumber(literal)}; put it in quotes: pass it as text`,
      );
    }
  }

  /** The next character that is not a blank. */
  #peek(): string {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
    return this.#text[this.#at] ?? "";
  }

  #skip(char: ":" | ","): void {
    if (this.#peek() === char) this.#at++;
  }
}
