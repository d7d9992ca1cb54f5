// Whether to colour what goes to a stream, and the few styles that help and errors use.

type Env = Readonly<Record<string, string | undefined>>;

/** FORCE_COLOR goes before NO_COLOR, as in Node and Bun; an empty variable is none. */
export function wantsColor(stream: { readonly isTTY?: boolean }, env: Env): boolean {
  const forced = env["FORCE_COLOR"] ?? "";
  if (forced !== "") return forced !== "0" && forced !== "false";
  if ((env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb") return false;
  return stream.isTTY === true;
}

export type Paint = {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly red: (text: string) => string;
};

const plain = (text: string): string => text;
const sgr =
  (on: number, off: number) =>
  (text: string): string =>
    `\u001B[${on}m${text}\u001B[${off}m`;

const colored: Paint = { bold: sgr(1, 22), dim: sgr(2, 22), cyan: sgr(36, 39), red: sgr(31, 39) };
const colorless: Paint = { bold: plain, dim: plain, cyan: plain, red: plain };

export const paint = (color: boolean): Paint => (color ? colored : colorless);

const controls = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/** Control and direction characters as escapes: a file's name must not move the cursor. Line breaks and tabs stay. */
export const visible = (text: string): string =>
  text.replaceAll(
    controls,
    (char) => `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
