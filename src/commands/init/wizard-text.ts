// The texts of the wizard apart from its questions.

import { plural } from "../../base/text.ts";
import type { TextFiles } from "../../kit/kit.ts";
import type { Conflicts } from "./write.ts";

type Inventory = {
  readonly files: TextFiles;
  readonly modules: TextFiles;
  /** What is said of these files instead of their purpose. */
  readonly states: ReadonlyMap<string, string>;
};

/** @param differ what happens to files that exist with other contents */
export const statesOf = (
  { files, same }: Pick<Conflicts, "files" | "same">,
  differ: string,
): ReadonlyMap<string, string> =>
  new Map([
    ...files.map((path) => [path, differ] as const),
    ...same.map((path) => [path, "there already"] as const),
  ]);

const purposes: Readonly<Record<string, string>> = {
  "pipeline.ts": "your tasks",
  "pipeline.test.ts": "their test",
  "README.md": "next steps",
  "package.json": "your packages",
  "tsconfig.json": "your editor",
  ".gitignore": "",
  "node_modules/": "types",
};

/** One line a file, the most important first. */
export function inventory({ files, modules, states }: Inventory): string {
  const known = Object.keys(purposes).filter((path) => path in files);
  const data = Object.keys(files).filter((path) => !(path in purposes));
  const types = Object.keys(modules).length > 0 ? ["node_modules/"] : [];
  const paths = [...known, ...data, ...types];
  const width = Math.max(...paths.map((path) => path.length));
  return paths
    .map((path) => {
      const purpose = states.get(path) ?? purposes[path] ?? "";
      return `${path.padEnd(width)}  ${purpose}`.trimEnd();
    })
    .join("\n");
}

type Outcome = {
  /** As it is shown. */
  readonly folder: string;
  readonly isNew: boolean;
  /** The files of the project that were written. */
  readonly files: TextFiles;
  readonly conflicts: Conflicts;
};

/** What was done, and what was left as it was. */
export function outcome({ folder, isNew, files, conflicts }: Outcome): string {
  const { files: different, same } = conflicts;
  const written = Object.keys(files).filter((path) => !same.includes(path));
  if (isNew) return `Created ${folder} with ${plural(written.length, "file")}`;
  const what = written.length === 0 ? "nothing new" : written.join(", ");
  const kept = [...same, ...different.filter((path) => !(path in files))];
  const overwritten = different.filter((path) => path in files);
  return [
    `Written to ${folder}: ${what}`,
    ...(overwritten.length === 0 ? [] : [`Overwritten: ${overwritten.join(", ")}`]),
    ...(kept.length === 0 ? [] : [`Kept as they were: ${kept.join(", ")}`]),
  ].join("\n");
}

type Closing = {
  /** The relative path to the project; empty for the working directory. */
  readonly path: string;
  readonly program: string;
};

/** The next commands to type. */
export function closing({ path, program }: Closing): string {
  const folder = /\s/.test(path) ? `"${path}"` : path;
  const lines = [`${program} run pipeline.ts`];
  return ["Next:", ...(path === "" ? lines : [`cd ${folder}`, ...lines])]
    .map((line, index) => (index === 0 ? line : `  ${line}`))
    .join("\n");
}
