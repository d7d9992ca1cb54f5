// `pipeloom csv <files…>`: loads CSV files into a table.

import { basename } from "node:path";

import { toFailure } from "../base/failure.ts";
import { defineCliCommand } from "../cli/command.ts";
import { UsageError } from "../cli/usage-error.ts";
import { findCsvFiles } from "../examples/csv/files.ts";
import { standardInput } from "../formats/csv/standard-input.ts";
import { keyOf } from "../examples/name-list.ts";
import { outputOptions } from "./common-flags.ts";
import { csvFlags } from "./import/csv-flags.ts";
import { importFlags, importOptions, targetFlags } from "./import/import-flags.ts";
import { givenParams, runImport, wordsOf } from "./import/run-import.ts";
import { readStdin } from "./import/stdin-file.ts";
import { targetTable } from "./import/into-table.ts";
import { runFlags } from "./run-flags.ts";

export const command = defineCliCommand({
  meta: {
    name: "csv",
    details:
      "Creates the table if it is missing. A column is numeric only if that changes none of its fields. Separator, encoding and gzip are detected. With -, --resume needs the same input again.",
    examples: [
      { line: "pipeloom csv sales.csv", what: "a file into the table sales of ./pipeloom.db" },
      {
        line: `pipeloom csv "data/*.csv" --table sales --key id`,
        what: "many files; rows with an id that is already there are updated",
      },
      {
        line: "pipeloom csv - --table sales < sales.csv",
        what: "standard input",
      },
    ],
  },
  args: {
    files: {
      type: "positional",
      repeat: true,
      required: true,
      valueHint: "csv-files",
      description:
        'files (.csv, .tsv, .txt, also .gz), folders, patterns such as "data/*.csv", or -',
    },
    table: { ...targetFlags.table, defaultHint: "the file's name" },
    key: targetFlags.key,
    ...csvFlags,
    workers: runFlags.workers,
    ...importFlags,
  },
  async run(flags) {
    const { table: asked, key, types, separator, quote, encoding, empty, skipBadRows } = flags;
    const options = importOptions(flags);
    const reading = { key, types, separator, quote, encoding, empty, skipBadRows };
    const isPiped = flags.files.includes("-");
    if (isPiped && asked === undefined) {
      throw new UsageError("into which table? standard input has no name", "e.g. --table sales");
    }
    const stdin = isPiped ? await readStdin() : undefined;
    const sources = flags.files.map((file) => (file === "-" ? standardInput : file));
    const files = await filesIn(sources);
    const names = files.map((path) => basename(path));
    const table = targetTable(asked, names, "file");
    const params = { files: sources, table, ...givenParams({ ...reading, stdin }) };
    if (flags.dryRun) {
      const { previewCsv } = await import("./import/csv-preview.ts");
      return await previewCsv(files, params, options.db);
    }
    return runImport(
      {
        pipeline: "csv",
        params,
        table,
        hasKey: keyOf(key ?? "").length > 0,
        again:
          stdin === undefined
            ? ["csv", ...flags.files, ...wordsOf({ table: asked, ...reading })]
            : undefined,
      },
      { ...options, ...(flags.workers === undefined ? undefined : { workers: flags.workers }) },
      outputOptions(flags),
    );
  },
});

/** Looked for before the run begins, so that a wrong name makes no database. */
async function filesIn(sources: readonly string[]): Promise<readonly string[]> {
  try {
    return (await findCsvFiles(sources)).files;
  } catch (error) {
    throw new UsageError(toFailure(error).message);
  }
}
