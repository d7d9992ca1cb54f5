// `pipeloom install`: installs the dependencies of package.json, and the packages that pipeloom provides.

import { definePassThrough } from "../cli/command.ts";
import { projectFolder, provideModules, runBun } from "./be-bun.ts";

export const command = definePassThrough({
  meta: {
    name: "install",
    details:
      "Downloads what package.json lists, and writes the types of pipeloom and Bun for your editor. For a project fresh from git. All flags of bun install work.",
    examples: [
      { line: "pipeloom install", what: "make node_modules complete" },
      { line: "pipeloom install --frozen-lockfile", what: "exactly what bun.lock says, for CI" },
    ],
  },
  args: {
    frozenLockfile: { type: "boolean", description: "fail if bun.lock is out of date" },
  },
  async run(args) {
    const code = await runBun(["install", ...args]);
    if (code === 0) await provideModules(projectFolder("."));
    return code;
  },
});
