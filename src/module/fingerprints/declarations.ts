// The top level of a bundle: what is declared, and the statements that do something when the module is loaded.

import { endOfExpression, functionAt, tokenAt } from "./functions.ts";
import { type Token, tokensOf } from "./tokens.ts";

/** Indexes of tokens; `to` is not included. */
export type Range = readonly [from: number, to: number];

type Declared = {
  readonly names: readonly string[];
  readonly range: Range;
  /** Statements that complete it: the members of an enum, the exports of a namespace object. */
  readonly attached: Range[];
};

export type Declaration = Declared &
  (
    | { readonly kind: "import"; readonly module: string; readonly imported: string }
    /** Bun's own, e.g. what makes a CommonJS file lazy. */
    | { readonly kind: "helper" | "function" | "class" }
    /** `init`: the first token of the value; the end of the range where there is none. */
    | { readonly kind: "variable"; readonly init: number }
  );

/** A statement that declares nothing. */
type Effect =
  | { readonly kind: "effect"; readonly range: Range }
  | { readonly kind: "bare import"; readonly module: string };

export type Statement = Declaration | Effect;

const declares = /^(?:var|let|const|function|async|class|using|import|export)$/;

export class FlatModule {
  readonly tokens: readonly Token[];
  readonly byName = new Map<string, Declaration>();
  /** In the order of the text. */
  readonly statements: Statement[] = [];
  readonly #text: string;
  /** Modules that are loaded with the pipeline, as the functions that the bundler made of them. */
  readonly #loaded = new Set<Declaration>();

  /** @param text a bundle whose locals have other names than its top level */
  constructor(text: string) {
    this.#text = text;
    this.tokens = tokensOf(text);
    // Bun's helpers come before the first file, which begins with its path in a comment.
    const helpersEnd = Math.max(0, text.search(/^\/\/ (?!@bun)/m));
    for (const range of this.#statementsIn([0, this.tokens.length], "\n")) {
      this.#add(range, (this.tokens[range[0]]?.at ?? 0) < helpersEnd);
    }
  }

  text(index: number): string {
    return this.tokens[index]?.text ?? "";
  }

  /** The text between these tokens. */
  codeOf([from, to]: Range): string {
    const last = this.tokens[to - 1];
    return last === undefined
      ? ""
      : this.#text.slice(this.tokens[from]?.at ?? 0, last.at + last.text.length);
  }

  #add(range: Range, isHelper: boolean): void {
    const [from, to] = range;
    switch (this.text(from)) {
      case "import":
        if (!"(.".includes(this.text(from + 1))) return this.#addImports(range);
        break;
      case "export":
        return;
      case "var":
      case "let":
      case "const":
        return this.#addVariables(range, isHelper);
      case "async":
      case "function": {
        let name = from + 1;
        while (tokenAt(this.tokens, name).kind !== "name") name++;
        const kind = isHelper ? "helper" : "function";
        return this.#declare({ kind, names: [this.text(name)], range, attached: [] });
      }
      case "class":
        return this.#declare({ kind: "class", names: [this.text(from + 1)], range, attached: [] });
    }
    const completed = this.#completedBy(from, to);
    if (completed !== undefined) completed.attached.push(range);
    else if (!this.#load(range)) this.statements.push({ kind: "effect", range });
  }

  /**
   * `init();`, where `var init = helper(() => { … })` is a module that is also imported while a task runs. Its statements are
   * then taken for those of the top level. Not so where it has variables of its own: it is CommonJS.
   */
  #load([from, to]: Range): boolean {
    const init = this.byName.get(this.text(from));
    if (init?.kind !== "variable" || to !== from + 4 || this.text(from + 1) !== "(") return false;
    if (this.byName.get(this.text(init.init))?.kind !== "helper") return false;
    const body = functionAt(this.tokens, init.init + 2)?.body;
    if (body === undefined) return false;
    const ranges = this.#statementsIn(body, "\n  ");
    if (ranges.some(([start]) => declares.test(this.text(start)))) return false;
    if (this.#loaded.has(init)) return true;
    this.#loaded.add(init);
    for (const range of ranges) this.#addLoaded(range);
    return true;
  }

  /** The first assignment is the declaration's value. */
  #addLoaded(range: Range): void {
    const [from, to] = range;
    const declared = this.byName.get(this.text(from));
    const isValue = declared?.kind === "variable" && this.text(from + 1) === "=";
    if (!isValue || declared.init !== declared.range[1]) return this.#add(range, false);
    this.#declare({ ...declared, range: [from, to - 1], init: from + 2 });
  }

  #declare(declaration: Declaration): void {
    this.statements.push(declaration);
    for (const name of declaration.names) this.byName.set(name, declaration);
  }

  #addImports(range: Range): void {
    const [from] = range;
    let end = from + 1;
    while (tokenAt(this.tokens, end).kind !== "literal") end++;
    const module = this.text(end).slice(1, -1);
    if (end === from + 1) this.statements.push({ kind: "bare import", module });
    const words = this.tokens
      .slice(from + 1, end - 1)
      .map(({ text }) => text)
      .join(" ");
    const [, byDefault, , all, listed] =
      /^(\S+)?( ,)? ?(?:\* as (\S+)|\{ (.*) \})?$/.exec(words) ?? [];
    const imports = (listed ?? "").split(" , ").map((each) => each.split(" as "));
    if (byDefault !== undefined && byDefault !== "*") imports.push(["default", byDefault]);
    if (all !== undefined) imports.push(["*", all]);
    for (const [imported = "", local = imported] of imports) {
      if (local === "") continue;
      this.#declare({ kind: "import", names: [local], range, attached: [], module, imported });
    }
  }

  #addVariables([from, to]: Range, isHelper: boolean): void {
    for (let start = from + 1; start < to;) {
      const end = endOfExpression(this.tokens, start);
      let assign = start;
      while (assign < end && this.text(assign) !== "=") {
        assign = Math.max(assign, this.tokens[assign]?.pair ?? -1) + 1;
      }
      const names = this.tokens
        .slice(start, assign)
        .filter(({ kind }) => kind === "name")
        .map(({ text }) => text);
      const declared = { names, range: [start, end], attached: [] } as const;
      this.#declare(
        isHelper
          ? { kind: "helper", ...declared, attached: [] }
          : { kind: "variable", ...declared, attached: [], init: Math.min(assign + 1, end) },
      );
      start = end + 1;
    }
  }

  /** The declaration that a statement completes, if it does nothing else. */
  #completedBy(from: number, to: number): Declaration | undefined {
    if (this.text(from) === "(") return this.#enumOf(from, to);
    const callee = this.byName.get(this.text(from));
    const target = this.byName.get(this.text(from + 2));
    const isExports = callee?.kind === "helper" && target?.kind === "variable";
    return isExports && this.text(from + 1) === "(" && this.text(from + 3) === ","
      ? target
      : undefined;
  }

  /** `((e) => { e[e["A"] = 0] = "A"; })(E ||= {});`, where nothing is called. */
  #enumOf(from: number, to: number): Declaration | undefined {
    const words = this.tokens.slice(from, to).map(({ text }) => text);
    const [param = "", name = ""] =
      /^\( \( (\S+) \) => \{ (?:.* )?\} \) \( (\S+) \|\|= \{ \} \) ;$/
        .exec(words.join(" "))
        ?.slice(1) ?? [];
    const body = words.slice(6, words.length - 9);
    const isEnum = body.every(
      (word, index) => word !== "(" && ((body[index - 1] ?? ";") !== ";" || word === param),
    );
    return isEnum ? this.byName.get(name) : undefined;
  }

  /** @param lineStart what comes before a statement's first token: the bundler indents by its depth */
  #statementsIn([from, to]: Range, lineStart: string): Range[] {
    const starts: number[] = [];
    for (let index = from; index < to; index++) {
      const { at, pair, text } = tokenAt(this.tokens, index);
      const isFirst = at === 0 || this.#text.endsWith(lineStart, at);
      if (isFirst && text !== "else" && text !== "catch" && text !== "finally") starts.push(index);
      if (pair > index) index = pair;
    }
    return starts.map((start, index) => [start, starts[index + 1] ?? to]);
  }
}
