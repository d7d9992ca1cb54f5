// `pipeloom test`: runs the project's tests with the test runner of the executable.

import { definePassThrough } from "../cli/command.ts";
import { projectFolder, provideModules, runBun } from "./be-bun.ts";

export const command = definePassThrough({
  meta: {
    name: "test",
    details:
      "Runs the files named *.test.ts with bun test, each in an environment of its own. All its flags work. A test that starts pipeloom as a program takes BUN_BE_BUN out of that program's environment.",
    examples: [
      { line: "pipeloom test", what: "all of them" },
      {
        line: "pipeloom test csv --watch",
        what: "files with csv in their name, again at each change",
      },
    ],
  },
  args: {
    files: {
      type: "positional",
      repeat: true,
      valueHint: "pattern",
      description: "only files whose path holds one of these",
    },
    watch: { type: "boolean", description: "run again when a file changes" },
    testNamePattern: {
      type: "string",
      alias: "t",
      valueHint: "pattern",
      description: "only tests whose name matches",
    },
    updateSnapshots: { type: "boolean", alias: "u", description: "write the snapshots again" },
    coverage: { type: "boolean", description: "show which lines ran" },
  },
  async run(args) {
    await provideModules(projectFolder("."));
    // Task names are unique per thread, and two test files may load two pipelines.
    return await runBun(["test", "--isolate", ...args]);
  },
});
