// The answers that define a project, and their defaults.

import { basename } from "node:path";

export const templateNames = [
  "csv",
  "api",
  "http",
  "downloads",
  "shell",
  "fan-out",
  "empty",
] as const;
export type TemplateName = (typeof templateNames)[number];

export type Answers = {
  /** As typed, relative to the working directory. */
  readonly folder: string;
  readonly template: TemplateName;
  /** The database, relative to the working directory of the run. */
  readonly db: string;
  /** Whether to write example data. */
  readonly data: boolean;
  /** Whether to write what an editor needs: tsconfig.json and type declarations. */
  readonly editor: boolean;
  readonly git: boolean;
};

/** The answers so far. */
export type Draft = Partial<Answers>;

type Template = {
  readonly label: string;
  readonly hint: string;
  readonly hasData: boolean;
};

export const templates: Readonly<Record<TemplateName, Template>> = {
  csv: { label: "CSV folder", hint: "files into a table", hasData: true },
  api: { label: "API", hint: "what is new, into a table", hasData: false },
  http: { label: "HTTP JSON", hint: "pages into a table", hasData: true },
  downloads: { label: "Downloads", hint: "addresses into files", hasData: true },
  shell: { label: "Shell commands", hint: "side by side", hasData: false },
  "fan-out": { label: "Fan-out", hint: "work for all cores", hasData: false },
  empty: { label: "Empty", hint: "one task", hasData: false },
};

export const defaults: Omit<Answers, "git"> = {
  folder: "my-pipeline",
  template: "csv",
  db: "./pipeloom.db",
  data: true,
  editor: true,
};

/** What is wrong with a database path; undefined when it is valid. */
export function dbProblem(db: string | undefined): string | undefined {
  if (db === undefined || db.trim() === "") return "a file name is needed, or :memory:";
  if (/[/\\]$/.test(db)) return "this is a folder; add a file name";
  // eslint-disable-next-line no-control-regex
  if (/[\0-\x1f]/.test(db)) return "a path has no control characters";
  return undefined;
}

/** A package's name for a folder: `My Data` → `my-data`. */
export function projectName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[._-]+|[._-]+$/g, "");
  return name === "" ? defaults.folder : name;
}
