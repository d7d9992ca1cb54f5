// The texts of the wizard apart from its questions.

import type { TextFiles } from "../../kit/kit.ts";

type Inventory = {
  readonly files: TextFiles;
  readonly modules: TextFiles;
  readonly overwritten: readonly string[];
};

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
