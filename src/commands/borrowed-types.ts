// A type check writes nothing into a project: where the project has not the types of pipeloom and Bun, they lie in a
// temporary folder, with a tsconfig.json that adds them to the project's own.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { JSON } from "../base/globals.ts";
import { reasonOf } from "../base/system-error.ts";
import { UserError } from "../cli/user-error.ts";
import type { TextFiles } from "../kit/kit.ts";
import { writeModules } from "../kit/modules.ts";
import { tsconfig } from "../kit/tsconfig.ts";

export class BorrowedTypes implements Disposable {
  /** The path of the tsconfig.json to check with. */
  readonly config: string;
  readonly #folder: string;

  /**
   * @param file the only one to check, with what it imports. Default: all of the project
   * @throws UserError when nothing can be written to the temporary folder
   */
  constructor(project: string, modules: TextFiles, file?: string) {
    const folder = mkdtempSync(join(tmpdir(), "pipeloom-check-"));
    this.#folder = folder;
    this.config = join(folder, "tsconfig.json");
    try {
      writeModules(folder, modules);
      writeFileSync(this.config, JSON.stringify(configFor(project, folder, file)));
    } catch (error) {
      this[Symbol.dispose]();
      throw new UserError(`cannot write the types to ${folder}: ${reasonOf(error)}`);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

type Config = {
  readonly include?: unknown;
  readonly files?: unknown;
  readonly compilerOptions?: { readonly paths?: Readonly<Record<string, unknown>> };
};

function configFor(project: string, folder: string, file: string | undefined): object {
  const own = join(project, "tsconfig.json");
  const config = existsSync(own) ? configIn(own) : undefined;
  const base: Config = config ?? configOf(tsconfig);
  const modules = join(folder, "node_modules");
  // Of two `paths`, TypeScript takes the last one only, and relative to the file that it is in.
  const paths = Object.entries(base.compilerOptions?.paths ?? {}).map(([name, targets]) => [
    name,
    Array.isArray(targets) ? targets.map((target) => join(project, String(target))) : targets,
  ]);
  return {
    ...(config === undefined ? undefined : { extends: own }),
    compilerOptions: {
      ...(config === undefined ? base.compilerOptions : undefined),
      paths: { ...Object.fromEntries(paths), pipeloom: [join(modules, "pipeloom/index.d.ts")] },
      typeRoots: [modules, join(modules, "@types"), join(project, "node_modules/@types")],
      // All of `typeRoots` otherwise, with pipeloom itself.
      ...typesOf(base),
    },
    ...(file === undefined ? filesOf(base, project) : { files: [file], include: [] }),
  };
}

const filesOf = ({ include, files }: Config, project: string): object =>
  include === undefined && files === undefined
    ? { include: [join(project, "**/*")], exclude: [join(project, "node_modules")] }
    : {};

const typesOf = ({ compilerOptions }: Config): object =>
  compilerOptions !== undefined && "types" in compilerOptions ? {} : { types: ["bun-types"] };

/** @throws UserError for one that cannot be read as JSON with comments */
function configIn(path: string): Config {
  try {
    return configOf(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UserError(`${path}: ${reasonOf(error)}`);
  }
}

/** JSON5 has comments and trailing commas. */
const configOf = (text: string): Config => Bun.JSON5.parse(text) as Config;
