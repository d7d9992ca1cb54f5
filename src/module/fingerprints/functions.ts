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
  const before = tokens[index - 1];
  return next === "{" && before !== undefined && endsOperand(before)
    ? withBlock(tokens, index)
    : undefined;
}

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
  const end = isBlock ? pairOf(tokens, from) + 1 : endOfExpression(tokens, from);
  return { params, body: isBlock ? [from + 1, end - 1] : [from, end], end };
}

/** The index of the `,`, `;` or closing bracket that ends the expression, or the end of the tokens. */
export function endOfExpression(tokens: readonly Token[], from: number): number {
  let index = from;
  for (; index < tokens.length; index++) {
    const { text, kind, pair } = tokenAt(tokens, index);
    if (pair > index) index = pair;
    else if (kind === "punctuator" ? ",;)]}".includes(text) : text.startsWith("}")) break;
  }
  return index;
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
