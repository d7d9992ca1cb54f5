// The calls of `task` and `sh` that define one task each: at the top level, with options and a name that are written out.

import { JSON } from "../../base/globals.ts";
import type { FlatModule, Range, Statement } from "./declarations.ts";
import { endOfExpression, functionAt, tokenAt } from "./functions.ts";

export type TaskCall = {
  readonly name: string;
  readonly callee: Range;
  /** Those that decide what the task does. */
  readonly options: readonly Range[];
  readonly statement: Statement;
  /** The task is the value of the variable that the statement declares. */
  readonly isValue: boolean;
};

/** They decide when a task runs, how often and how it is shown, not what it does. The content of files is compared apart from the code. */
const aboutTasks = new Set([
  "retries",
  "timeout",
  "pool",
  "priority",
  "on",
  "optional",
  "reuse",
  "files",
  "logs",
  "label",
]);
/** In these, a function or a block may give a task values that only it knows. */
const choice = /^(?:\?|&&|\|\||\?\?)=?$/;
const compound = /^(?:for|while|do|if|switch|try|with|\{)$/;

export function taskCallsIn(module: FlatModule): TaskCall[] {
  const calls: TaskCall[] = [];
  for (const statement of module.statements) {
    if (statement.kind === "variable") {
      const { init, range } = statement;
      for (const { open, close, call } of callsIn(module, [init, range[1]])) {
        const isValue = calleeStart(module, open) === init && close + 1 === range[1];
        calls.push({ ...call, statement, isValue });
      }
    } else if (statement.kind === "effect" && !isCompound(module, statement.range)) {
      const found = callsIn(module, statement.range);
      calls.push(...found.map(({ call }) => ({ ...call, statement, isValue: false })));
    }
  }
  return calls;
}

const isCompound = (module: FlatModule, [from]: Range): boolean =>
  compound.test(module.text(from)) || module.text(from + 1) === ":";

type Call = Pick<TaskCall, "name" | "callee" | "options">;

/**
 * Outside functions: in a function, a task may depend on the function's variables. None where the statement chooses: the other
 * choice may define a task of the same name.
 */
function callsIn(
  module: FlatModule,
  [from, to]: Range,
): { readonly open: number; readonly close: number; readonly call: Call }[] {
  const { tokens } = module;
  const found = [];
  for (let index = from; index < to; index++) {
    const inner = functionAt(tokens, index);
    const call = inner === undefined ? callAt(module, index) : undefined;
    if (inner !== undefined) index = inner.end - 1;
    else if (call !== undefined) {
      const close = tokenAt(tokens, index).pair;
      found.push({ open: index, close, call });
      index = close;
    } else if (choice.test(module.text(index))) return [];
  }
  return found;
}

/** @param open the bracket of the arguments */
function callAt(module: FlatModule, open: number): Call | undefined {
  const { tokens } = module;
  if (module.text(open) !== "(" || module.text(open + 1) !== "{") return undefined;
  const callee = calleeStart(module, open);
  if (callee === undefined || (tokens[open + 1]?.pair ?? 0) + 1 !== tokens[open]?.pair) {
    return undefined;
  }
  const options: Range[] = [];
  let name: string | undefined;
  const close = tokens[open + 1]?.pair ?? open;
  for (let from = open + 2; from < close;) {
    const to = endOfExpression(tokens, from);
    const key = module.text(from).replace(/^"(.*)"$/, "$1");
    const isKey = module.text(from + 1) === ":";
    // `label({ day }) { … }`
    const isMethod = module.text(from + 1) === "(";
    if (isKey && key === "name") name = stringAt(module, [from + 2, to]);
    if (!(isKey || isMethod) || !aboutTasks.has(key)) options.push([from, to]);
    from = to + 1;
  }
  return name === undefined ? undefined : { name, callee: [callee, open], options };
}

/** Where the callee begins: `task`, `sh`, or the same of a namespace object. */
function calleeStart(module: FlatModule, open: number): number | undefined {
  const last = module.tokens[open - 1];
  const isMember = last?.kind === "property";
  const start = isMember ? open - 3 : open - 1;
  const declared = module.byName.get(module.text(start));
  if (declared?.kind !== "import" || declared.module !== "pipeloom") return undefined;
  if (isMember && declared.imported !== "*") return undefined;
  const name = isMember ? last.text : declared.imported;
  return name === "task" || name === "sh" ? start : undefined;
}

/** A string that is written here, or the value of a variable that is one. */
function stringAt(module: FlatModule, [from, to]: Range): string | undefined {
  const token = module.tokens[from];
  if (token === undefined || to !== from + 1) return undefined;
  if (token.kind === "literal") return stringOf(token.text);
  const declared = module.byName.get(token.text);
  if (declared?.kind !== "variable") return undefined;
  const { init, range } = declared;
  return init + 1 === range[1] ? stringOf(module.text(init)) : undefined;
}

function stringOf(text: string): string | undefined {
  if (!/^["'`]/.test(text)) return undefined;
  return text
    .slice(1, -1)
    .replaceAll(
      /\\(?:x([\da-f]{2})|u([\da-f]{4})|u\{([\da-f]+)\}|([^]))/gi,
      (_, x, u, long, other) => {
        const code: string | undefined = x ?? u ?? long;
        return code === undefined
          ? unescaped(String(other))
          : String.fromCodePoint(Number.parseInt(code, 16));
      },
    );
}

const unescaped = (letter: string): string =>
  "bfnrtv0".includes(letter) ? String(JSON.parse(`"\\${letter}"`)) : letter;
