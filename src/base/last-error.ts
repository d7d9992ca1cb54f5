// What a process of pipeloom says at its end.

const mark = "error: ";

/** The text after the last line that begins with `error: `; undefined where there is none. */
export function lastError(said: string): string | undefined {
  // A regular expression would try each line's start against the whole rest: user code may print millions of lines.
  const at = said.lastIndexOf(`\n${mark}`);
  if (at !== -1) return said.slice(at + 1 + mark.length).trim();
  return said.startsWith(mark) ? said.slice(mark.length).trim() : undefined;
}
