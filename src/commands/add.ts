// `pipeloom add <package…>`: adds npm packages to the project, on a machine without Bun or Node.

import { definePassThrough } from "../cli/command.ts";
import { UsageError } from "../cli/usage-error.ts";
import { managePackages } from "./package-manager.ts";

export const command = definePassThrough({
  meta: {
    name: "add",
    details: "Downloads packages from npm into node_modules and adds them to package.json.",
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
    if (!args.some((arg) => !arg.startsWith("-"))) {
      throw new UsageError("add needs the name of a package", "e.g. pipeloom add zod");
    }
    return await managePackages("add", args);
  },
});
