// What a service is to run: this program with the words of serve, and what it has of who installs it.

import { realpathSync } from "node:fs";
import { userInfo } from "node:os";

import { ownCommand } from "../../base/own-command.ts";
import type { ServiceSpec } from "../../serve/service/service-spec.ts";
import { servedPath } from "./service-flags.ts";

const program = "pipeloom";

export const serviceName = (name: string | undefined): string =>
  name === undefined ? program : `${program}-${name}`;

type Asked = {
  readonly name: string | undefined;
  readonly target: readonly string[];
  readonly runAs: string | undefined;
};

/**
 * @param flags of serve, as words
 * @throws UsageError for a file or folder that is not there
 */
export function serviceOf({ name, target, runAs }: Asked, flags: readonly string[]): ServiceSpec {
  const folder = process.cwd();
  const isOfMachine = userInfo().uid === 0;
  const targets = target.length === 0 ? [folder] : target.map(servedPath);
  const [first = program, ...more] = stableProgram();
  return {
    name: serviceName(name),
    command: [first, ...more, "serve", ...targets, ...flags],
    folder,
    environment: carriedVariables(process.env),
    account: isOfMachine ? (runAs ?? accountOfSudo(process.env)) : null,
    isOfMachine,
  };
}

/** The name on the PATH stays when a package manager puts a new version elsewhere. */
function stableProgram(): string[] {
  const own = ownCommand();
  const onPath = Bun.which(program);
  const isOnPath =
    own.length === 1 && onPath !== null && realpathSync(onPath) === realpathSync(process.execPath);
  return isOnPath ? [onPath] : own;
}

const accountOfSudo = ({ SUDO_USER: user }: NodeJS.ProcessEnv): string | null =>
  user === undefined || user === "" || user === "root" ? null : user;

/** The programs that tasks call, and the time zone of a schedule without one, are those of who installs. */
function carriedVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    ["PATH", "TZ"].flatMap((name) => {
      const value = env[name];
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}
