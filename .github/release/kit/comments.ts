// Strips comments from type declarations. Without this, the documentation inside @types/node would be a quarter of the
// kit's size.

/** A string literal or a comment. `/// <reference …>` is a directive, not a comment. */
const token =
  /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|(?<!\/)\/\/(?!\/ <)[^\n]*/g;

export const withoutComments = (declarations: string): string =>
  compact(declarations.replaceAll(token, (text) => (text.startsWith("/") ? "" : text)));

/** Keeps the first sentence of each doc comment, which is the part an editor shows first. */
export const withShortComments = (declarations: string): string =>
  compact(
    declarations.replaceAll(token, (text) => {
      if (text.startsWith("/**")) return firstSentence(text);
      return text.startsWith("/") ? "" : text;
    }),
  );

/** An empty line or a tag also ends the sentence. A full stop inside it (`e.g. a name`) does not. */
function firstSentence(comment: string): string {
  const [paragraph = comment] = comment.split(/\n[ \t]*\*[ \t]*(?=\n|@)/);
  const sentence = /^[\s\S]*?[.!?](?=\s[\s*]*[A-Z`]|\s*\*\/$)/.exec(paragraph)?.[0] ?? paragraph;
  return sentence.endsWith("*/") ? sentence : `${sentence} */`;
}

const compact = (text: string): string =>
  text.replaceAll(/^[ \t]+/gm, "").replaceAll(/\n{2,}/g, "\n");
