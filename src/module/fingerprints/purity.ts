// Whether an expression does nothing when it is evaluated but yield a value. What is not known to be pure is not.

import type { Declaration, FlatModule, Range, Statement } from "./declarations.ts";
import { endOfExpression, functionAt, type FunctionParts } from "./functions.ts";
import { endsOperand } from "./tokens.ts";

const globalFunctions = new Set(
  "String Number Boolean BigInt Symbol parseInt parseFloat isNaN isFinite encodeURIComponent decodeURIComponent".split(
    " ",
  ),
);
const constructors = new Set(
  "Map Set WeakMap WeakSet Date URL RegExp Error TypeError RangeError".split(" "),
);
const namespaces =
  /^(?:Math\.\w+|Object\.(?:keys|values|entries|fromEntries)|JSON\.(?:parse|stringify)|Number\.\w+|Array\.(?:of|from|isArray)|Date\.(?:UTC|now|parse)|String\.(?:fromCharCode|fromCodePoint)|Symbol\.for)$/;
/** Of arrays and strings. None of them changes its receiver. */
const methods = new Set(
  "at concat entries filter flat flatMap includes indexOf join keys map padEnd padStart repeat replace replaceAll slice split startsWith endsWith toLowerCase toSorted toReversed toString toUpperCase trim values".split(
    " ",
  ),
);
const takesCallback = new Set(
  "map filter flatMap toSorted replace replaceAll from parse stringify".split(" "),
);
const assignment = /^(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=$|^\+\+$|^--$/;
const impureWords = new Set(["await", "yield", "delete"]);

export class Purity {
  readonly #module: FlatModule;
  readonly #functions = new Map<Declaration, boolean>();
  readonly #reassigned: ReadonlySet<string>;

  constructor(module: FlatModule) {
    this.#module = module;
    this.#reassigned = reassignedIn(module);
  }

  /** Whether the statement does nothing when the module is loaded. */
  isIdle(statement: Statement): boolean {
    switch (statement.kind) {
      case "import":
      case "helper":
      case "function":
        return true;
      case "variable":
        return this.isPure([statement.init, statement.range[1]]);
      case "class":
      case "effect":
        return this.isPure(statement.range);
      case "bare import":
        return false;
    }
  }

  /** Functions in the range do not run, unless the range is the body of one that is called. */
  isPure([from, to]: Range, areParams = false): boolean {
    const { tokens } = this.#module;
    for (let index = from; index < to; index++) {
      const inner = functionAt(tokens, index);
      if (inner !== undefined) index = inner.end - 1;
      else if (this.#text(index) === "class" && tokens[index]?.kind === "reserved") {
        const end = this.#pureClassEnd(index);
        if (end === undefined) return false;
        index = end - 1;
      } else if (!(areParams && this.#text(index) === "=") && !this.#isPureToken(index, from)) {
        return false;
      }
    }
    return true;
  }

  /** @returns the index after it */
  #pureClassEnd(start: number): number | undefined {
    const { tokens } = this.#module;
    let open = start + 1;
    while (this.#text(open) !== "{") open = Math.max(open, tokens[open]?.pair ?? -1) + 1;
    const close = tokens[open]?.pair ?? open;
    if (!this.isPure([start + 1, open])) return undefined;
    for (let index = open + 1; index < close; index++) {
      const method = functionAt(tokens, index);
      const text = this.#text(index);
      if (method !== undefined) index = method.end - 1;
      else if (text === "@" || (text === "static" && this.#text(index + 1) === "{"))
        return undefined;
      else if (text === "[" || text === "=") {
        // A field of an instance is evaluated later; a computed key is not. The difference is not worth the code.
        const end =
          text === "[" ? (tokens[index]?.pair ?? index) : endOfExpression(tokens, index + 1);
        if (!this.isPure([index + 1, end])) return undefined;
        index = end;
      }
    }
    return close + 1;
  }

  #isPureToken(index: number, from: number): boolean {
    const { kind } = this.#module.tokens[index] ?? {};
    const text = this.#text(index);
    if (kind === "reserved") {
      if (text === "import") return this.#text(index + 1) !== "(";
      if (text === "new") return this.#isPureNew(index + 1);
      return !impureWords.has(text) || this.#isRunAwaited(index);
    }
    if (kind === "literal") return !text.startsWith("`") || !this.#isOperand(index - 1, from);
    if (text === "(") {
      if (this.#text(index - 1) === "?.") return false;
      return !this.#isOperand(index - 1, from) || this.#isPureCall(index);
    }
    if (!assignment.test(text)) return true;
    return text === "=" && ["const", "let", "var"].includes(this.#text(index - 2));
  }

  #isOperand(index: number, from: number): boolean {
    const token = this.#module.tokens[index];
    return index >= from && token !== undefined && endsOperand(token);
  }

  #isPureNew(index: number): boolean {
    const name = this.#text(index);
    return (
      constructors.has(name) && !this.#module.byName.has(name) && this.#text(index + 1) !== "."
    );
  }

  /** At the top level. Where tasks run, `runPipeline` never returns, so nothing after it is done. */
  awaitsRun(statement: Statement): boolean {
    if (statement.kind !== "effect" && statement.kind !== "variable") return false;
    const [from, to] = statement.range;
    const start = statement.kind === "effect" ? from : statement.init;
    return start < to && this.#isRunAwaited(start);
  }

  #isRunAwaited(index: number): boolean {
    const callee = this.#module.byName.get(this.#text(index + 1));
    const isRun = callee?.kind === "import" && callee.imported === "runPipeline";
    return this.#text(index) === "await" && isRun && callee.module === "pipeloom";
  }

  // ── calls ──

  /** @param open the bracket of the arguments; they are looked at apart */
  #isPureCall(open: number): boolean {
    const { tokens, byName } = this.#module;
    const name = this.#text(open - 1);
    if (this.#text(open - 2) === "new") return true;
    if (tokens[open - 1]?.kind === "property") return this.#isPureMethod(open);
    if (tokens[open - 1]?.kind !== "name") return false;
    if (this.#reassigned.has(name)) return false;
    const callee = byName.get(name);
    if (callee === undefined) return globalFunctions.has(name);
    switch (callee.kind) {
      case "import":
        // They describe; and where tasks run, `runPipeline` does nothing.
        return callee.module === "pipeloom" || callee.imported === "createRequire";
      case "helper":
        return functionAt(tokens, open + 1) !== undefined;
      case "class":
        return false;
      case "variable":
        return this.#isTask(callee) || this.#isPureFunction(callee, callee.init);
      case "function":
        return this.#isPureFunction(callee, callee.range[0]);
    }
  }

  #isPureMethod(open: number): boolean {
    const { tokens, byName } = this.#module;
    const method = this.#text(open - 1);
    const receiver = open - 3;
    if (this.#text(open - 2) !== ".") return false;
    const name = this.#text(receiver);
    const isName = tokens[receiver]?.kind === "name";
    const declared = isName ? byName.get(name) : undefined;
    if (declared?.kind === "import" && declared.imported === "*") {
      return declared.module === "pipeloom";
    }
    const isGlobal = isName && declared === undefined && namespaces.test(`${name}.${method}`);
    if (!isGlobal && !(methods.has(method) && this.#isList(receiver))) return false;
    return !takesCallback.has(method) || this.#areCallbacksPure(open);
  }

  /** Whether an array or a string ends at this index. */
  #isList(index: number): boolean {
    const { tokens, byName } = this.#module;
    const token = tokens[index];
    if (token === undefined) return false;
    if (token.kind === "literal") return true;
    const before = tokens[token.pair - 1];
    if (token.text === "]") return before === undefined || !endsOperand(before);
    // The result of a method that was found pure. That of `at` may be anything.
    if (token.text === ")") {
      return (
        before?.kind === "property" && before.text !== "at" && this.#text(token.pair - 2) === "."
      );
    }
    const declared = token.kind === "name" ? byName.get(token.text) : undefined;
    if (declared?.kind !== "variable" || this.#reassigned.has(token.text)) return false;
    const first = tokens[declared.init];
    const isWhole =
      (first?.pair ?? -1) + 1 === declared.range[1] || declared.init + 1 === declared.range[1];
    return isWhole && (first?.text === "[" || first?.kind === "literal");
  }

  /** They run during the call, so their code must be here. */
  #areCallbacksPure(open: number): boolean {
    const { tokens } = this.#module;
    const close = tokens[open]?.pair ?? open;
    for (let index = open + 1; index < close; index = endOfExpression(tokens, index) + 1) {
      const callback = functionAt(tokens, index);
      const isData = tokens[index]?.kind === "literal" || "[{".includes(this.#text(index));
      if (callback === undefined ? !isData : !this.#isPureCode(callback)) return false;
    }
    return true;
  }

  #isTask({ init }: Extract<Declaration, { kind: "variable" }>): boolean {
    const callee = this.#module.byName.get(this.#text(init));
    const isCall = this.#text(init + 1) === "(";
    return isCall && callee?.kind === "import" && callee.module === "pipeloom";
  }

  #isPureFunction(declaration: Declaration, from: number): boolean {
    const known = this.#functions.get(declaration);
    if (known !== undefined) return known;
    // For a function that calls itself.
    this.#functions.set(declaration, false);
    const start = this.#text(from) === "async" ? from + 1 : from;
    const parts = functionAt(this.#module.tokens, start);
    const isPure = parts !== undefined && this.#isPureCode(parts);
    this.#functions.set(declaration, isPure);
    return isPure;
  }

  #isPureCode({ params, body }: FunctionParts): boolean {
    return this.isPure(params, true) && this.isPure(body);
  }

  #text(index: number): string {
    return this.#module.text(index);
  }
}

/** Variables whose value is perhaps not that of their declaration. */
function reassignedIn({ tokens, byName }: FlatModule): Set<string> {
  const names = new Set<string>();
  for (const [index, { kind, text }] of tokens.entries()) {
    const declared = kind === "name" ? byName.get(text) : undefined;
    if (declared === undefined || declared.range[0] === index) continue;
    if (assignment.test(tokens[index + 1]?.text ?? "")) names.add(text);
  }
  return names;
}
