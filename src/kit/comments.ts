// Takes the comments out of declarations, for the packages whose documentation an editor may do without: a quarter of
// the kit is what @types/node says of Node's functions.

/** Strings of any kind, comments, and all between them. References (`/// <reference …>`) are not comments. */
const token =
  /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|(?<!\/)\/\/(?!\/ <)[^\n]*/g;

export const withoutComments = (declarations: string): string =>
  compact(declarations.replaceAll(token, (text) => (text.startsWith("/") ? "" : text)));

/** Of what stands above a declaration its first paragraph is left: what an editor shows, without the examples below. */
export const withShortComments = (declarations: string): string =>
  compact(
    declarations.replaceAll(token, (text) => {
      if (text.startsWith("/**")) return firstParagraph(text);
      return text.startsWith("/") ? "" : text;
    }),
  );

/** An empty line ends a paragraph, and so does a tag. */
function firstParagraph(comment: string): string {
  const [first = comment] = comment.split(/\n[ \t]*\*[ \t]*(?=\n|@)/);
  return first.endsWith("*/") ? first : `${first} */`;
}

const compact = (text: string): string =>
  text.replaceAll(/^[ \t]+/gm, "").replaceAll(/\n{2,}/g, "\n");
