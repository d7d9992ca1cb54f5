// Splits a command line into words by the shell's rules for quotes and backslashes, and quotes a word. Variables, globs and
// pipes need a shell.

/** @throws SyntaxError for a quote that is not closed */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: "'" | '"' | undefined;
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    if (quote === "'") {
      if (char === "'") quote = undefined;
      else word = (word ?? "") + char;
    } else if (char === "\\" && i + 1 < line.length) {
      word = (word ?? "") + escaped(line.charAt(++i), quote);
    } else if (char === quote) {
      quote = undefined;
    } else if (quote === undefined && (char === "'" || char === '"')) {
      quote = char;
      word ??= "";
    } else if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== undefined) throw new SyntaxError(`a ${quote} is not closed in: ${line}`);
  if (word !== undefined) words.push(word);
  return words;
}

/** The word as a POSIX shell reads it back: in single quotes where it needs any. */
export const shellWord = (word: string): string =>
  /^[\w@%+:,./-][\w@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Inside double quotes a backslash escapes only a quote, a backslash, a dollar sign or a backtick. */
const escaped = (char: string, quote: string | undefined): string =>
  quote === '"' && !'"\\$`'.includes(char) ? `\\${char}` : char;

/** Syntax that only a shell understands: pipes, redirections, lists, variables. */
const shellOnly = /(^|\s)(\||\|\||&&|>|>>|<|;)(\s|$)|\$[({\w]|`/;

/** Text in single quotes is plain. */
export const needsShell = (line: string): boolean =>
  shellOnly.test(line.replaceAll(/'[^']*'/g, "x"));
