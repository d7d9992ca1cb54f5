// Bun lets 256 `fetch`es run at once and reads a higher limit from the environment only when the process starts. So a
// run that wants more starts itself anew, in the same process, with that variable set.

const variable = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const bunsLimit = 256;
/** What Bun takes at most. */
const highest = 65_535;

/** @returns only when the limit is high enough, or cannot be raised here (Windows has no `execve`) */
export function raiseFetchLimit(concurrency: number | undefined): void {
  if (concurrency === undefined || concurrency <= bunsLimit) return;
  if (process.env[variable] !== undefined || process.execve === undefined) return;
  if (process.platform === "win32") return;
  const limit = String(Math.min(concurrency, highest));
  process.execve(process.execPath, ownArgv(), { ...process.env, [variable]: limit });
}

/** Compiled, the second of `process.argv` is the embedded entry; from source it is the script. */
function ownArgv(): string[] {
  const compiled = Bun.main.startsWith("/$bunfs/");
  return [process.execPath, ...process.execArgv, ...process.argv.slice(compiled ? 2 : 1)];
}
