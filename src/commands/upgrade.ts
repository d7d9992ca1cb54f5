// `pipeloom upgrade`: replaces this executable with another version, after the same checks as install.sh.

import { version } from "../version.ts";
import { defineCliCommand } from "../cli/command.ts";
import { quote } from "../cli/flag-values.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";

export const command = defineCliCommand({
  meta: {
    name: "upgrade",
    details:
      "Downloads the executable for this system, verifies its checksum, starts it once, and then replaces the old one. Active runs keep the old one.",
    examples: [
      { line: "pipeloom upgrade", what: "to the latest version" },
      { line: "pipeloom upgrade --check", what: "only check for a newer version" },
    ],
  },
  args: {
    version: {
      type: "positional",
      required: false,
      valueHint: "version",
      description: "a version such as 0.1.0, newer or older (default: the latest)",
    },
    check: { type: "boolean", description: "check for a newer version, change nothing" },
  },
  async run(flags) {
    const { latestVersion, releasesUrl } = await import("./upgrade/releases.ts");
    const releases = releasesUrl(process.env);
    const wanted = flags.version?.replace(/^v/, "") ?? (await latestVersion(releases));
    if (!isVersion(wanted)) {
      const message = `${quote(wanted)} is not a version such as 0.1.0`;
      throw flags.version === undefined ? new UserError(message) : new UsageError(message);
    }
    if (flags.check) return say(checked(wanted));
    if (wanted === version) return say(`pipeloom ${version} is already installed`);
    if (flags.version === undefined && !isNewer(wanted)) return say(checked(wanted));
    const { replaceExecutable } = await import("./upgrade/replace.ts");
    console.error(`downloading pipeloom ${wanted} from ${releases}`);
    const path = await replaceExecutable({ releases, version: wanted });
    return say(`pipeloom ${version} is now ${wanted} → ${path}`);
  },
});

const isVersion = (text: string): boolean => /^\d+\.\d+\.\d+(?:-[\w.-]+)?$/.test(text);

const isNewer = (other: string): boolean => Bun.semver.order(other, version) > 0;

function checked(wanted: string): string {
  if (isNewer(wanted))
    return `pipeloom ${wanted} is available, this is ${version}; to upgrade: pipeloom upgrade`;
  return `pipeloom ${version} is up to date; the latest is ${wanted}`;
}

function say(line: string): 0 {
  console.log(line);
  return 0;
}
