// Errors of `fetch` in words for people.

import { codeOf } from "./system-error.ts";

const messages: Readonly<Record<string, string | undefined>> = {
  ECONNRESET: "the connection broke",
  ECONNREFUSED: "the connection was refused: no server listens there",
  ENOTFOUND: "there is no host of this name",
};

/** The runtime's error message, without its advice for programmers. */
export function messageOf(error: unknown): string {
  const code = codeOf(error);
  const known = code === undefined ? undefined : messages[code];
  if (known !== undefined) return known;
  const text = error instanceof Error ? error.message : String(error);
  const said = code === undefined ? text : text.replace(`${code}: `, "");
  return said.replace(/\.? For more information, pass `verbose.*$/s, "");
}
