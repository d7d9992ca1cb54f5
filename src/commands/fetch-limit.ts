// Bun runs at most 256 `fetch` calls at once, and reads a higher limit from the environment only at process start. A run with
// a higher concurrency therefore executes its own program again (`execve`) with that variable set.

const variable = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const bunsLimit = 256;
/** Bun's maximum for the variable. */
const highest = 65_535;

/** Returns only when the limit is high enough, or cannot be raised (Windows has no `execve`). */
export function raiseFetchLimit(concurrency: number | undefined): void {
  if (concurrency === undefined || concurrency <= bunsLimit) return;
  if (process.env[variable] !== undefined || process.execve === undefined) return;
  if (process.platform === "win32") return;
  const limit = String(Math.min(concurrency, highest));
  process.execve(process.execPath, ownArgv(), { ...process.env, [variable]: limit });
}

/** `process.argv[1]` is the embedded entry when compiled, and the script when run from source. */
function ownArgv(): string[] {
  const compiled = Bun.main.startsWith("/$bunfs/");
  return [process.execPath, ...process.execArgv, ...process.argv.slice(compiled ? 2 : 1)];
}
