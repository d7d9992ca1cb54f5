// Reads JSON text that a person wrote and refuses to alter it: JSON.parse rounds numbers and keeps the last of two equal keys.

import { JSON } from "./globals.ts";
import { memberPath } from "./json.ts";

/** The text is JSON, but its value would differ from the text. `path` reads like code: `orders[3].id`, or "" at the root. */
export class AlteredJsonError extends Error {
  override readonly name = "AlteredJsonError";
  readonly path: string;
  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** @throws SyntaxError for text that is not JSON, AlteredJsonError if the value would differ from the text */
export function parseExactJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  new Scanner(text).value("", 0);
  return value;
}

/** Whether the shortest decimal of the number equals the literal: true for 0.1 and 1e3, false for 9007199254740993. */
export function isExactNumber(literal: string): boolean {
  const number = Number(literal);
  return Number.isFinite(number) && decimalOf(literal) === decimalOf(String(number));
}

/** The longest exact decimal of a double has fewer characters. */
const maxLiteralChars = 1100;
const literalParts = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i;

/** Equal for literals of equal value; undefined for text that is no decimal literal. */
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

/** Scans text that JSON.parse has accepted. */
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

  /** Whether an odd number of backslashes precedes it. */
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
