// The top level of a bundle: what is declared, and the statements that do something when the module is loaded.

import { endOfExpression, tokenAt } from "./functions.ts";
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

export class FlatModule {
  readonly tokens: readonly Token[];
  readonly byName = new Map<string, Declaration>();
  /** In the order of the text. */
  readonly statements: Statement[] = [];

  /** @param text a bundle whose locals have other names than its top level */
  constructor(text: string) {
    this.tokens = tokensOf(text);
    // Bun's helpers come before the first file, which begins with its path in a comment.
    const helpersEnd = Math.max(0, text.search(/^\/\/ (?!@bun)/m));
    for (const range of statementsOf(this.tokens, text)) {
      this.#add(range, (this.tokens[range[0]]?.at ?? 0) < helpersEnd);
    }
  }

  text(index: number): string {
    return this.tokens[index]?.text ?? "";
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
    if (completed === undefined) this.statements.push({ kind: "effect", range });
    else completed.attached.push(range);
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
}

/** A statement begins in the first column. */
function statementsOf(tokens: readonly Token[], text: string): Range[] {
  const starts: number[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const { at, pair, text: word } = tokenAt(tokens, index);
    const isFirst = at === 0 || text[at - 1] === "\n";
    if (isFirst && word !== "else" && word !== "catch" && word !== "finally") starts.push(index);
    if (pair > index) index = pair;
  }
  return starts.map((start, index) => [start, starts[index + 1] ?? tokens.length]);
}
