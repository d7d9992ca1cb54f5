// Takes the comments out of declarations, for the packages whose documentation an editor may do without: a quarter of
// the kit is what @types/node says of Node's functions.

/** Strings of any kind, comments, and all between them. References (`/// <reference …>`) are not comments. */
const token =
  /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|(?<!\/)\/\/(?!\/ <)[^\n]*/g;

export const withoutComments = (declarations: string): string =>
  compact(declarations.replaceAll(token, (text) => (text.startsWith("/") ? "" : text)));

/** Of what stands above a declaration its first sentence is left: what an editor shows first. */
export const withShortComments = (declarations: string): string =>
  compact(
    declarations.replaceAll(token, (text) => {
      if (text.startsWith("/**")) return firstSentence(text);
      return text.startsWith("/") ? "" : text;
    }),
  );

/** An empty line ends it too, and so does a tag; a point within (`e.g. a name`) does not. */
function firstSentence(comment: string): string {
  const [paragraph = comment] = comment.split(/\n[ \t]*\*[ \t]*(?=\n|@)/);
  const sentence = /^[\s\S]*?[.!?](?=\s[\s*]*[A-Z`]|\s*\*\/$)/.exec(paragraph)?.[0] ?? paragraph;
  return sentence.endsWith("*/") ? sentence : `${sentence} */`;
}

const compact = (text: string): string =>
  text.replaceAll(/^[ \t]+/gm, "").replaceAll(/\n{2,}/g, "\n");
