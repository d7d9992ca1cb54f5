// `pipeloom install`: installs the dependencies of package.json, and the packages that pipeloom provides.

import { definePassThrough } from "../cli/command.ts";
import { quote } from "../cli/flag-values.ts";
import { UsageError } from "../cli/usage-error.ts";
import { managePackages } from "./package-manager.ts";

export const command = definePassThrough({
  meta: {
    name: "install",
    details:
      "Downloads the packages of package.json, and writes the types of pipeloom and Bun for your editor. Use it after git clone.",
    examples: [
      { line: "pipeloom install", what: "install all packages" },
      {
        line: "pipeloom install --frozen-lockfile",
        what: "exactly the versions of bun.lock, for CI",
      },
    ],
  },
  args: {
    frozenLockfile: { type: "boolean", description: "fail if bun.lock is out of date" },
  },
  async run(args) {
    const [first] = args;
    if (first !== undefined && !first.startsWith("-"))
      throw new UsageError(
        `unexpected argument ${quote(first)}`,
        `to add a package: pipeloom add ${first}`,
      );
    return await managePackages("install", args);
  },
});
