// The library as Node imports it: it needs Bun.
throw new Error(
  "pipeloom as a library needs Bun (bun:sqlite); run this program with bun, or run a pipeline file with: npx pipeloom run <file>",
);
