// What the wizard says beside its questions.

import type { TextFiles } from "../../kit/kit.ts";

type Inventory = {
  readonly files: TextFiles;
  readonly modules: TextFiles;
  readonly overwritten: readonly string[];
};

const purposes: Readonly<Record<string, string>> = {
  "pipeline.ts": "your tasks",
  "pipeline.test.ts": "their test",
  "README.md": "how to go on",
  "package.json": "your packages",
  "tsconfig.json": "your editor",
  ".gitignore": "",
  "node_modules/": "types",
};

/** One line a file, in the order of their importance. */
export function inventory({ files, modules, overwritten }: Inventory): string {
  const known = Object.keys(purposes).filter((path) => path in files);
  const data = Object.keys(files).filter((path) => !(path in purposes));
  const types = Object.keys(modules).length > 0 ? ["node_modules/"] : [];
  const paths = [...known, ...data, ...types];
  const width = Math.max(...paths.map((path) => path.length));
  return paths
    .map((path) => {
      const purpose = overwritten.includes(path) ? "overwritten" : (purposes[path] ?? "");
      return `${path.padEnd(width)}  ${purpose}`.trimEnd();
    })
    .join("\n");
}

type Closing = {
  /** From here to the project; empty when it is here. */
  readonly way: string;
  readonly program: string;
};

/** The next commands to type. */
export function closing({ way, program }: Closing): string {
  const folder = /\s/.test(way) ? `"${way}"` : way;
  const lines = [`${program} run pipeline.ts`];
  return ["Next:", ...(way === "" ? lines : [`cd ${folder}`, ...lines])]
    .map((line, index) => (index === 0 ? line : `  ${line}`))
    .join("\n");
}
