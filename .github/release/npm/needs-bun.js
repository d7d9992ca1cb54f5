// What a program gets that imports the library without Bun.
throw new Error(
  "pipeloom as a library needs Bun (bun:sqlite); run this program with bun, or run a pipeline file with: npx pipeloom run <file>",
);
