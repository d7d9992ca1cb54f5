// `pipeloom examples csv|etl|download|file-writer`: runs a built-in pipeline. Each takes some of the flags below; a flag's
// name is the name of the pipeline's parameter.

import { defineCliCommand } from "../cli/command.ts";
import { checkTable } from "../examples/example-table.ts";
import { parseSize } from "../examples/files/size.ts";
import { checkKeyNames } from "../examples/name-list.ts";
import { checkAddress } from "../formats/http/shown-url.ts";
import { parseSelect } from "../formats/json/json-rows.ts";
import { csvFlags } from "./import/csv-flags.ts";
import { commonFlags, commonOptions } from "./common-flags.ts";
import { executeRun } from "./execute-run.ts";
import { defineFlags, type FlagDefs, type Flags, kebab } from "../cli/flag-defs.ts";
import { runFlags, runOptions } from "./run-flags.ts";
import { UsageError } from "../cli/usage-error.ts";

const names = ["csv", "etl", "download", "file-writer"] as const;
type Name = (typeof names)[number];

/** The same flags, with what they are for. */
const about = <const Defs extends FlagDefs>(example: Name, defs: Defs): Defs =>
  Object.fromEntries(
    Object.entries(defs).map(([key, def]) => [
      key,
      { ...def, description: `${example}: ${def.description}` },
    ]),
  ) as Defs;

const exampleFlags = defineFlags({
  dir: {
    type: "string",
    valueHint: "folder",
    defaultHint: "sample files",
    description: "csv: a folder of CSV files (.csv, .tsv, .txt, also .gz), or one file",
  },
  table: {
    type: "string",
    valueHint: "name",
    description: "csv, etl: the table; created if missing",
    check: checkTable,
  },
  key: {
    type: "string",
    valueHint: "columns",
    description: "csv, etl: the key columns; none: insert only (etl: id)",
    check: checkKeyNames,
  },
  ...about("csv", csvFlags),
  url: {
    type: "string",
    repeat: true,
    valueHint: "url",
    description: "etl, download: an address",
    check: checkAddress,
  },
  select: {
    type: "string",
    valueHint: "list",
    description: "etl: columns and their paths: id,title,author=user.name",
    check: parseSelect,
  },
  format: {
    type: "enum",
    options: ["auto", "json", "jsonl"],
    description: "etl: one JSON value, or one a line",
  },
  path: {
    type: "string",
    valueHint: "path",
    description: "etl: the path of the array in the response: data.items",
  },
  list: {
    type: "string",
    valueHint: "file",
    description: "download: a file with one address a line, optionally followed by its SHA-256",
  },
  out: {
    type: "string",
    valueHint: "folder",
    description: "download, file-writer: the folder for the files",
  },
  overwrite: {
    type: "boolean",
    description: "download, file-writer: replace files that pipeloom did not write",
  },
  count: {
    type: "string",
    valueType: "integer",
    min: 0,
    description: "file-writer: how many files",
  },
  size: {
    type: "string",
    valueHint: "size",
    description: "file-writer: the size of each file: 64k, 16MB, 1GB",
    check: parseSize,
  },
});

type ExampleFlag = keyof typeof exampleFlags;

const flagsOf: Readonly<Record<Name, readonly ExampleFlag[]>> = {
  csv: ["dir", "table", "key", "types", "separator", "quote", "encoding", "empty", "skipBadRows"],
  etl: ["url", "table", "key", "select", "format", "path"],
  download: ["url", "list", "out", "overwrite"],
  "file-writer": ["count", "size", "out", "overwrite"],
};

export const command = defineCliCommand({
  meta: {
    name: "examples",
    details: "Without flags a pipeline creates its own data, so it works offline.",
    examples: [
      {
        line: "pipeloom examples csv --dir data --table items --key id",
        what: "a folder of CSV files into a table",
      },
      {
        line: "pipeloom examples etl --url https://example.com/posts.json --table posts",
        what: "JSON into a table",
      },
      {
        line: "pipeloom examples download --list urls.txt --out files",
        what: "files, with their checksums in a table",
      },
      { line: "pipeloom examples file-writer --count 4 --size 64MB", what: "measure a disk" },
    ],
  },
  args: {
    example: { type: "positional", options: [...names], description: "which one" },
    ...exampleFlags,
    ...runFlags,
    ...commonFlags,
  },
  async run(flags) {
    const params = paramsOf(flags.example, flags);
    const module = { kind: "builtin", name: flags.example } as const;
    return executeRun(module, { ...runOptions(flags), params }, commonOptions(flags));
  },
});

/** The given flags as parameters. @throws UsageError for a flag of another example */
function paramsOf(example: Name, flags: Flags<typeof exampleFlags>): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  for (const name of Object.keys(exampleFlags) as ExampleFlag[]) {
    const value = flags[name];
    if (value === undefined || value === false || (Array.isArray(value) && value.length === 0))
      continue;
    if (!flagsOf[example].includes(name)) throw foreignFlag(example, name);
    params[name === "url" ? "urls" : name] = value;
  }
  return params;
}

function foreignFlag(example: Name, flag: ExampleFlag): UsageError {
  const own = flagsOf[example].map((name) => `--${kebab(name)}`).join(", ");
  return new UsageError(`--${kebab(flag)} is not for ${example}`, `${example} has ${own}`);
}
