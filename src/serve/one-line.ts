// Messages of errors in a line of the log. Pure.

const maxChars = 500;

/** A message may show a part of the file: the line that points into it is left out, and the semicolon, after which the log says more. */
export function inOneLine(message: string): string {
  const lines = message.split("\n").map((line) => line.replaceAll(/\s+/g, " ").trim());
  const text = lines
    .filter((line) => line !== "" && !/^[\^~|]+$/.test(line))
    .join(" | ")
    .replace(/;$/, "");
  return text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
}
