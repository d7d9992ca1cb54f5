// Where the functions in a list of tokens end. Their bodies do not run when the module is loaded.

import { endsOperand, type Token } from "./tokens.ts";

/**
 * The parameters and the body of a function that begins at this index: `(…) =>`, `x =>`, `function`, or `(…) {` of a
 * method. The body of an arrow function may be an expression.
 */
export type FunctionParts = {
  readonly params: readonly [from: number, to: number];
  readonly body: readonly [from: number, to: number];
  /** The index of the token after it. */
  readonly end: number;
};

export function functionAt(tokens: readonly Token[], index: number): FunctionParts | undefined {
  const token = tokens[index];
  if (token === undefined) return undefined;
  if (token.text === "function" && token.kind === "reserved") {
    let open = index + 1;
    while (tokens[open]?.text !== "(") open++;
    return withBlock(tokens, open);
  }
  if (token.kind === "name" && tokens[index + 1]?.text === "=>") {
    return arrow(tokens, [index, index + 1], index + 2);
  }
  if (token.text !== "(" || token.kind !== "punctuator") return undefined;
  const next = tokens[token.pair + 1]?.text;
  if (next === "=>") return arrow(tokens, [index + 1, token.pair], token.pair + 2);
  return next === "{" && isMemberName(tokens, index - 1) ? withBlock(tokens, index) : undefined;
}

/** `name`, `"name"` or `[name]` of a method; not the end of `class extends a.b(…) {` or `extends a[b](…) {`. */
function isMemberName(tokens: readonly Token[], index: number): boolean {
  const last = tokens[index];
  if (last === undefined) return false;
  const before = tokens[last.text === "]" ? last.pair - 1 : index - 1];
  if (before === undefined) return false;
  if (last.text === "]") return before.text === "}" || !endsOperand(before) || isModifier(before);
  return last.kind === "literal" || (last.kind === "property" && !/^\??\.$/.test(before.text));
}

const isModifier = ({ text }: Token): boolean =>
  text === "async" || text === "get" || text === "set" || text === "static";

function withBlock(tokens: readonly Token[], open: number): FunctionParts {
  const close = pairOf(tokens, open);
  const end = pairOf(tokens, close + 1);
  return { params: [open + 1, close], body: [close + 2, end], end: end + 1 };
}

function arrow(
  tokens: readonly Token[],
  params: FunctionParts["params"],
  from: number,
): FunctionParts {
  const isBlock = tokens[from]?.text === "{";
  const end = isBlock ? pairOf(tokens, from) + 1 : endOfArrow(tokens, from);
  return { params, body: isBlock ? [from + 1, end - 1] : [from, end], end };
}

/** The index of the `,`, `;` or closing bracket that ends the expression, or the end of the tokens. */
export function endOfExpression(tokens: readonly Token[], from: number): number {
  let index = from;
  while (index < tokens.length && !isEnd(tokenAt(tokens, index))) {
    index = Math.max(index, tokenAt(tokens, index).pair) + 1;
  }
  return index;
}

const isEnd = ({ kind, text }: Token): boolean =>
  kind === "punctuator" ? ",;)]}".includes(text) : kind === "literal" && text.startsWith("}");

/** In `a ? () => b : c`, the colon ends the function. */
function endOfArrow(tokens: readonly Token[], from: number): number {
  const end = endOfExpression(tokens, from);
  let questions = 0;
  for (let index = from; index < end; index++) {
    const { text, pair } = tokenAt(tokens, index);
    if (pair > index) index = pair;
    else if (text === "?") questions++;
    else if (text === ":" && --questions < 0) return index;
  }
  return end;
}

function pairOf(tokens: readonly Token[], index: number): number {
  const { pair } = tokenAt(tokens, index);
  if (pair < 0) throw unexpected(index);
  return pair;
}

/** @throws SyntaxError past the end: the code is not printed as expected */
export function tokenAt(tokens: readonly Token[], index: number): Token {
  const token = tokens[index];
  if (token === undefined) throw unexpected(index);
  return token;
}

const unexpected = (index: number): SyntaxError =>
  new SyntaxError(`unexpected code at token ${index}`);
