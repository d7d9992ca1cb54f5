// Which flags of `service` go together, and what their values may be.

import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";

import { pathOf } from "../../base/path.ts";
import { reasonOf } from "../../base/system-error.ts";
import { quote } from "../../cli/flag-values.ts";
import { UsageError } from "../../cli/usage-error.ts";
import { fileRef } from "../../run-pipeline.ts";
import { webhookVariable } from "../../protocol/server-variables.ts";

type Given = {
  readonly action: "install" | "status" | "uninstall";
  readonly target: readonly string[];
  readonly envFile: string | undefined;
  readonly runAs: string | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
};

/** @throws Error */
export function checkServiceName(text: string): void {
  if (!/^[a-z0-9][a-z0-9_-]{0,40}$/i.test(text)) {
    throw new Error(`it must be letters, digits, - and _, e.g. nightly, not ${quote(text)}`);
  }
}

/** @throws Error */
export function checkAccount(text: string): void {
  if (!/^[a-z_][a-z0-9_.-]{0,31}\$?$/i.test(text)) {
    throw new Error(`it must be the name of a user, not ${quote(text)}`);
  }
}

/**
 * @param serveWords the flags of serve that are given
 * @throws UsageError for a flag that would have no effect
 */
export function assertServiceFlags(
  { action, target, envFile, runAs, dryRun, json }: Given,
  serveWords: readonly string[],
  uid: number,
): void {
  const [first] = [
    ...target,
    ...(envFile === undefined ? [] : ["--env-file"]),
    ...(runAs === undefined ? [] : ["--run-as"]),
    ...serveWords,
  ];
  if (action !== "install" && first !== undefined) {
    throw new UsageError(`${first} goes with install, not with ${action}`);
  }
  if (action === "status" && dryRun)
    throw new UsageError("--dry-run goes with install and uninstall");
  if (action !== "status" && json) throw new UsageError("--json goes with status");
  if (envFile !== undefined) assertEnvFile(envFile);
  if (runAs !== undefined && uid !== 0) {
    throw new UsageError(
      "--run-as is for a service of the machine, which only root installs",
      "sudo pipeloom service install … --run-as <user>",
    );
  }
}

function assertEnvFile(envFile: string): void {
  if (process.platform !== "linux") {
    throw new UsageError(
      "--env-file is read by systemd, which this system does not have",
      "put the variables of a pipeline into the .env beside its file",
    );
  }
  if (!existsSync(envFile)) throw new UsageError(`--env-file ${envFile}: no such file`);
}

type ServeFlags = {
  readonly webhook: string | undefined;
  readonly host: string;
  readonly page: boolean;
  readonly envFile: string | undefined;
};

/**
 * What serve would refuse at each start, and what would stand in a file and in `ps` for all users of the machine.
 * @throws UsageError
 */
export async function assertServable({ webhook, host, page, envFile }: ServeFlags): Promise<void> {
  if (webhook !== undefined) {
    throw new UsageError(
      "--webhook would be in a file that other users of the machine can read",
      webhookElsewhere,
    );
  }
  if (!page) return;
  const { tokensFor } = await import("../page-flags.ts");
  // The service has no variables of this terminal.
  tokensFor(host, envFile === undefined ? {} : variablesIn(envFile));
}

const webhookElsewhere =
  process.platform === "linux"
    ? `write ${webhookVariable}=<url> into a file that only you can read, and give it with --env-file`
    : `set the variable ${webhookVariable} for your sessions (${process.platform === "win32" ? "setx" : "launchctl setenv"})`;

function variablesIn(envFile: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(envFile, "utf8"));
  } catch (thrown) {
    throw new UsageError(`--env-file ${envFile} cannot be read: ${reasonOf(thrown)}`);
  }
}

/**
 * Absolute; the name of an export stays: `/home/me/etl.ts:nightly`.
 * @throws UsageError for what is not there
 */
export function servedPath(text: string): string {
  if (!existsSync(fileRef(text).path)) throw new UsageError(`${text}: no such file or folder`);
  return pathOf(text, process.cwd());
}
