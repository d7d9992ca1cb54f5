// The environment variables that pipeloom reads and sets: a table for `pipeloom docs` and the man page.

type Variable = { readonly name: string; readonly what: string };

/** What a person may set. */
export const readVariables: readonly Variable[] = [
  { name: "NO_COLOR", what: "any value but an empty one: no colours" },
  { name: "FORCE_COLOR", what: "colours also in a pipe; 0 to 3: how many (none, 16, 256, all)" },
  { name: "TERM", what: "dumb: lines instead of bars; linux: characters that its console has" },
  { name: "CI", what: "set, and neither 0 nor false: lines instead of bars" },
  { name: "GITHUB_ACTIONS", what: "true: warnings and errors of a run are annotations of the job" },
  { name: "TMUX, XTERM_VERSION", what: "set by terminals; they decide how a frame is written" },
  {
    name: "XDG_CONFIG_HOME",
    what: "the folder of the unit that service install writes for a user (default: ~/.config)",
  },
  {
    name: "LOCALAPPDATA, USERDOMAIN",
    what: "set by Windows: where service install keeps its file and log, and whose task it is",
  },
  { name: "PAGER", what: "the program that shows docs in a terminal (default: less)" },
  {
    name: "TMPDIR",
    what: "the folder for temporary files, such as the copies that prove works on",
  },
  { name: "NODE_ENV", what: "which of the files .env.<NODE_ENV> is read (default: development)" },
  {
    name: "HTTP_PROXY, HTTPS_PROXY, NO_PROXY",
    what: "the proxy for what tasks fetch, and for upgrade, add and install",
  },
  {
    name: "BUN_CONFIG_MAX_HTTP_REQUESTS",
    what: "how many requests tasks may have open at once (default: 256, or --concurrency if that is more)",
  },
  {
    name: "BUN_OPTIONS",
    what: "flags of the Bun that runs inside, e.g. --smol",
  },
  {
    name: "MIMALLOC_PURGE_HOLES",
    what: "worker, run --engine and ui set it to 0 for themselves, which takes less CPU time; 1: less memory",
  },
  {
    name: "PIPELOOM_RELEASES",
    what: "a mirror of the releases, for upgrade and the install scripts",
  },
  {
    name: "PIPELOOM_ENGINE_KEY",
    what: "the secret that run --engine and worker share, at least 16 characters: they sign with it what they send",
  },
  {
    name: "PIPELOOM_ENGINE_PASSWORD",
    what: "the password of the Redis of --engine, which is then not in the command line",
  },
  {
    name: "PIPELOOM_UI_TOKEN",
    what: "the token that opens the page of ui and serve, at least 22 characters (default: each link opens it once)",
  },
  {
    name: "PIPELOOM_METRICS_TOKEN",
    what: "the bearer token of serve's /metrics, at least 22 characters; it opens nothing else",
  },
  {
    name: "PIPELOOM_WEBHOOK",
    what: "where serve posts failures, late slots, pauses and recoveries",
  },
];

/** What programs of `sh` get, and the process of a test. */
export const setVariables: readonly Variable[] = [
  { name: "PIPELOOM_RUN", what: "the id of the run" },
  { name: "PIPELOOM_TASK", what: "the name of the task" },
  { name: "PIPELOOM_ATTEMPT", what: "1 for the first attempt" },
  {
    name: "PIPELOOM_PROCESS",
    what: "marks what ends with pipeloom (Linux, macOS); a program that is started without it runs on",
  },
  {
    name: "BUN_BE_BUN",
    what: "of pipeloom test: pipeloom, started by a test, would be the test runner; remove it there",
  },
  { name: "PWD", what: "the folder of the pipeline file" },
];
