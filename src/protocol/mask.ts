// Masks the values of secrets in the text that pipeloom writes: logs, failures, names, progress messages, events, stored
// params. The user's data (rows, inputs, results, cursors, payloads) is never altered.

import { inspect } from "node:util";

import { JSON, URL, URLSearchParams } from "../base/globals.ts";
import { memberPath } from "../base/json.ts";

/** Characters. A shorter value is masked as a whole word only: inside of words it would match by chance. */
const longEnough = 8;
/** Characters. A shorter line of a multi-line value is not masked: it may be a single brace. */
const shortestLine = 4;
/** A task may set a variable for each request. Older values are forgotten: nothing prints them any more. */
const maxValues = 100;
const stars = "***";

/** A multi-line value, such as a private key, is printed line by line. */
const linesIn = (value: string): string[] =>
  value.includes("\n")
    ? value
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line.length >= shortestLine)
    : [];

/** The forms of a value in text: plain, printed within an object, in URLs, in JSON, in JSON within JSON. */
function formsOf(value: string): Set<string> {
  const forms = new Set<string>();
  for (const piece of [value, ...linesIn(value)]) {
    for (const form of [...printedForms(piece), ...urlForms(piece)]) {
      // A URL leaves out line ends and `..`: what is left could be any text.
      if (form.length >= piece.length) forms.add(form);
    }
    let form = piece;
    for (let depth = 0; depth < 4; depth++) {
      forms.add(form);
      form = JSON.stringify(form).slice(1, -1);
    }
  }
  return forms;
}

/** As `console.log({ value })` prints it, in single quotes, which are escaped, or in other quotes. */
function printedForms(value: string): string[] {
  const parts = value
    .split("'")
    .map((part) => inspect(part, { breakLength: Infinity }).slice(1, -1));
  return [parts.join("'"), parts.join("\\'")];
}

/** As a part of a URL, which escapes fewer characters than `encodeURIComponent`, and as a field of a form. */
function urlForms(value: string): string[] {
  if (!value.isWellFormed()) return [];
  const url = new URL("http://host/");
  url.pathname = value;
  url.search = value;
  url.hash = value;
  url.password = value;
  const { pathname, search, hash, password } = url;
  return [
    encodeURIComponent(value),
    new URLSearchParams({ "": value }).toString().slice(1),
    ...[pathname, search, hash].map((part) => part.slice(1)),
    password,
  ];
}

/** Longest first: masking a short secret inside a long one would leave the rest of the long one readable. */
const longestFirst = (texts: Iterable<string>): string[] =>
  [...texts].toSorted((a, b) => b.length - a.length);

type Env = Readonly<Record<string, string | undefined>>;

export class Mask {
  readonly #names: readonly string[];
  readonly #env: Env;
  /** The latest value of each name: a module or a task may set a variable later. */
  readonly #last = new Map<string, string>();
  /** Every value seen so far, with its name. */
  readonly #values = new Map<string, string>();
  #needles: readonly string[] = [];
  #words: RegExp | undefined;

  private constructor(names: readonly string[], env: Env) {
    this.#names = names;
    this.#env = env;
  }

  /** @returns undefined when there are no secrets */
  static of(names: readonly string[], env: Env): Mask | undefined {
    return names.length === 0 ? undefined : new Mask(names, env);
  }

  /** Names of the secrets that are masked as whole words only. */
  get shortNames(): readonly string[] {
    this.#look();
    return this.#names.filter((name) => {
      const value = this.#last.get(name);
      return value !== undefined && value.length < longEnough;
    });
  }

  /** Length of the longest form of a secret, in characters. */
  get longest(): number {
    this.#look();
    return this.#needles[0]?.length ?? 0;
  }

  text(text: string): string {
    this.#look();
    let masked = text;
    for (const needle of this.#needles) masked = masked.replaceAll(needle, stars);
    return this.#words === undefined ? masked : masked.replaceAll(this.#words, stars);
  }

  /** JSON.stringify with every string masked, keys included. */
  stringify(value: unknown): string {
    return JSON.stringify(value, (_, member: unknown) => this.#member(member));
  }

  /**
   * A copy of a message of pipeloom with every string masked.
   * @param kept names of members that stay as they are: the user's data, and discriminants
   */
  data<Data>(value: Data, kept: ReadonlySet<string> = usersOwn): Data {
    return this.#copy(value, kept) as Data;
  }

  /** Masks the error's message, stack and causes in place: the error keeps its class. */
  error(thrown: unknown): unknown {
    if (!(thrown instanceof Error)) return typeof thrown === "string" ? this.text(thrown) : thrown;
    for (const key of ["message", "stack"] as const) {
      const text = thrown[key];
      const masked = text === undefined ? undefined : this.text(text);
      if (masked === text) continue;
      try {
        Object.defineProperty(thrown, key, { value: masked, configurable: true, writable: true });
      } catch {
        return new Error(this.text(thrown.message));
      }
    }
    if (thrown.cause !== undefined) this.error(thrown.cause);
    return thrown;
  }

  /**
   * Finds a secret of 8 characters or more in a value that is stored and shown.
   * @param text the value's JSON text
   * @param root the value's name in the path, e.g. `result`
   */
  placeIn(
    text: string,
    root: string,
  ): { readonly path: string; readonly name: string } | undefined {
    this.#look();
    if (!this.#needles.some((needle) => text.includes(needle))) return undefined;
    return this.#place(JSON.parse(text), root);
  }

  #place(value: unknown, path: string): { path: string; name: string } | undefined {
    if (typeof value === "string") return this.#named(value, path);
    if (typeof value !== "object" || value === null) return undefined;
    for (const [key, member] of Object.entries(value)) {
      const at = Array.isArray(value) ? `${path}[${key}]` : memberPath(path, this.text(key));
      const found = this.#named(key, at) ?? this.#place(member, at);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #named(text: string, path: string): { path: string; name: string } | undefined {
    for (const [value, name] of this.#values) {
      const isIn = (form: string): boolean => form.length >= longEnough && text.includes(form);
      if (formsOf(value).values().some(isIn)) return { path, name };
    }
    return undefined;
  }

  /** Reads the variables again: user code may have set some since. */
  #look(): void {
    let isNew = false;
    for (const name of this.#names) {
      const value = this.#env[name];
      if (value === undefined || value === "" || value === this.#last.get(name)) continue;
      this.#last.set(name, value);
      this.#values.set(value, name);
      isNew = true;
    }
    if (!isNew) return;
    for (const value of this.#values.keys()) {
      if (this.#values.size <= maxValues) break;
      this.#values.delete(value);
    }
    const forms = longestFirst(
      [...this.#values.keys()].reduce((all, value) => all.union(formsOf(value)), new Set<string>()),
    );
    this.#needles = forms.filter((form) => form.length >= longEnough);
    this.#words = wholeWords(forms.filter((form) => form.length < longEnough));
  }

  #copy(value: unknown, kept: ReadonlySet<string>): unknown {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((member) => this.#copy(member, kept));
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        kept.has(key) ? member : this.#copy(member, kept),
      ]),
    );
  }

  #member(member: unknown): unknown {
    if (typeof member === "string") return this.text(member);
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    const keys = Object.keys(member);
    if (keys.every((key) => this.text(key) === key)) return member;
    return Object.fromEntries(
      Object.entries(member).map(([key, inner]) => [this.text(key), inner]),
    );
  }
}

/** Members of records and events that hold the user's data, and the discriminants. */
const usersOwn: ReadonlySet<string> = new Set(["type", "status", "level", "result", "cursor"]);

function wholeWords(words: readonly string[]): RegExp | undefined {
  if (words.length === 0) return undefined;
  const any = words.map((word) => word.replaceAll(/[$()*+./?[\\\]^{|}]/g, "\\$&")).join("|");
  return new RegExp(String.raw`(?<![\p{L}\p{N}_])(?:${any})(?![\p{L}\p{N}_])`, "gu");
}

/** The names in `secrets: ["A", "B"]`, read from a pipeline file's text. */
export const secretNamesIn = (source: string): string[] =>
  [...source.matchAll(/\bsecrets["']?\s*:\s*\[([^\]]*)\]/g)].flatMap(([, list = ""]) =>
    [...list.matchAll(/(["'`])(.+?)\1/g)].map(([, , name = ""]) => name),
  );
