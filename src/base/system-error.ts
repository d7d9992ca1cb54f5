// Errors of the operating system, as Node's modules throw them.

/** E.g. `ENOENT`; of SQLite's errors e.g. `SQLITE_BUSY`. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** `no space left on device (ENOSPC)`: the reason without the call and the path; another error's message as it is. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, code, text] = /^(E[A-Z0-9]+): (.+?)(?:, \w+(?: '.*')?)?$/s.exec(message) ?? [];
  return code === undefined ? message : `${text} (${code})`;
}
