// Takes the comments out of declarations, for the packages whose documentation an editor may do without: a quarter of
// the kit is what @types/node says of Node's functions.

/** Strings of any kind, comments, and all between them. References (`/// <reference …>`) are not comments. */
const token =
  /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|(?<!\/)\/\/(?!\/ <)[^\n]*/g;

export const withoutComments = (declarations: string): string =>
  declarations
    .replaceAll(token, (text) => (text.startsWith("/") ? "" : text))
    .replaceAll(/^[ \t]+/gm, "")
    .replaceAll(/\n{2,}/g, "\n");
