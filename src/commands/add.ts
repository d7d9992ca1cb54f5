// `pipeloom add <package…>`: adds npm packages to the project, on a machine without Bun or Node.

import { definePassThrough } from "../cli/command.ts";
import { projectFolder, provideModules, runBun } from "./be-bun.ts";

export const command = definePassThrough({
  meta: {
    name: "add",
    details:
      "Downloads packages from npm into node_modules and adds them to package.json. Accepts all flags of bun add.",
    examples: [
      { line: "pipeloom add zod", what: "for use in your pipeline" },
      { line: "pipeloom add --dev @types/pg", what: "for development only" },
    ],
  },
  args: {
    packages: {
      type: "positional",
      repeat: true,
      required: true,
      valueHint: "package",
      description: "a name on npm, with @version for one version",
    },
    dev: { type: "boolean", alias: "d", description: "add it to devDependencies" },
    exact: { type: "boolean", alias: "E", description: "record the exact version" },
  },
  async run(args) {
    const code = await runBun(["add", ...args]);
    if (code === 0) await provideModules(projectFolder("."));
    return code;
  },
});
