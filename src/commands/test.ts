// `pipeloom test`: runs the project's tests with the test runner of the executable.

import { definePassThrough } from "../cli/command.ts";
import { projectFolder, provideModules, runBun } from "./be-bun.ts";

export const command = definePassThrough({
  meta: {
    name: "test",
    details:
      "Runs the files *.test.ts with bun test, each isolated. Accepts all flags of bun test. A test that starts pipeloom as a program must remove BUN_BE_BUN from its environment.",
    examples: [
      { line: "pipeloom test", what: "all of them" },
      {
        line: "pipeloom test csv --watch",
        what: "files with csv in their name, again after each change",
      },
    ],
  },
  args: {
    files: {
      type: "positional",
      repeat: true,
      valueHint: "pattern",
      description: "only files with one of these in their path",
    },
    watch: { type: "boolean", description: "run again when a file changes" },
    testNamePattern: {
      type: "string",
      alias: "t",
      valueHint: "pattern",
      description: "only tests whose name matches",
    },
    updateSnapshots: { type: "boolean", alias: "u", description: "update snapshots" },
    coverage: { type: "boolean", description: "show code coverage" },
  },
  async run(args) {
    await provideModules(projectFolder("."));
    // Task names are unique per thread, and two test files may load two pipelines.
    return await runBun(["test", "--isolate", ...args]);
  },
});
