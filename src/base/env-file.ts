// `.env` files: found, and read as Bun reads them.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";

import { codeOf } from "./system-error.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The variables of the `.env` files for a file in `folder`: those in the folder itself, or else in the nearest folder above
 * that has any, up to the root of the project (a `package.json` or `.git`). Outside a project, only the folder counts.
 * `.env.local` overrides `.env.<NODE_ENV>` (`development` if it is not set), which overrides `.env`.
 * @param env variables that a value may refer to: `URL=https://$HOST`
 */
export function readEnvFiles(folder: string, env: Variables): Record<string, string> {
  const names = envFileNames(env);
  const within = foldersOf(folder).find((each) =>
    names.some((name) => existsSync(join(each, name))),
  );
  if (within === undefined) return {};
  const raw = Object.assign({}, ...names.map((name) => parsed(join(within, name))));
  return expanded(raw, env);
}

const envFileNames = (env: Variables): string[] => [
  ".env",
  `.env.${env["NODE_ENV"] ?? "development"}`,
  ".env.local",
];

/** All that `readEnvFiles` looks for, there or not. */
export const envFilePaths = (folder: string, env: Variables): string[] =>
  foldersOf(folder).flatMap((each) => envFileNames(env).map((name) => join(each, name)));

function foldersOf(start: string): string[] {
  const folders: string[] = [];
  for (let at = start; ; at = dirname(at)) {
    folders.push(at);
    if (["package.json", ".git"].some((name) => existsSync(join(at, name)))) return folders;
    if (dirname(at) === at) return [start];
  }
}

function parsed(path: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch (error) {
    // A folder of virtual environments may be called `.env`.
    if (["ENOENT", "EISDIR"].includes(codeOf(error) ?? "")) return {};
    throw error;
  }
}

const reference = /\\\$|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$([A-Za-z_]\w*)/g;

/** Each value may refer to the environment, and to variables before it. */
function expanded(raw: NodeJS.Dict<string>, env: Variables): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, text = ""] of Object.entries(raw)) {
    values[name] = text.replaceAll(reference, (found, braced, fallback, bare) =>
      found === "\\$" ? "$" : valueOf(env, values, braced ?? bare) || (fallback ?? ""),
    );
  }
  return values;
}

const valueOf = (env: Variables, values: Variables, name: string): string =>
  env[name] ?? values[name] ?? "";
