// `pipeloom download <url…>`: downloads files into a folder, and lists them in a table.

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

import { toFailure } from "../base/failure.ts";
import { plural } from "../base/text.ts";
import { reasonOf } from "../base/system-error.ts";
import { defineCliCommand } from "../cli/command.ts";
import { print } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import { type Wanted, wantedFiles } from "../examples/files/wanted-files.ts";
import { shownUrl } from "../formats/http/shown-url.ts";
import { outputOptions } from "./common-flags.ts";
import { fetchLimit, setAtStart } from "./start-variables.ts";
import {
  assertHeaders,
  headerFlag,
  importFlags,
  importOptions,
  requestsFlag,
} from "./import/import-flags.ts";
import { givenParams, runImport, wordsOf } from "./import/run-import.ts";

export const command = defineCliCommand({
  meta: {
    name: "download",
    details:
      "A file that is there already is not downloaded again, a broken transfer goes on where it stopped, and checksums are verified. The table manifest lists the files.",
    examples: [
      {
        line: "pipeloom download https://example.com/a.pdf https://example.com/b.pdf --out files",
        what: "two files into the folder files",
      },
      {
        line: "pipeloom download --list urls.txt -c 8",
        what: "all that a file lists, eight at once",
      },
    ],
  },
  args: {
    urls: {
      type: "positional",
      repeat: true,
      required: false,
      valueHint: "url",
      description: "addresses of files",
    },
    list: {
      type: "string",
      valueHint: "file",
      description:
        "a file with one address a line, optionally followed by its SHA-256; - for standard input",
    },
    out: {
      type: "string",
      valueHint: "folder",
      default: "downloads",
      description: "the folder for the files",
    },
    overwrite: { type: "boolean", description: "replace files that pipeloom did not write" },
    header: headerFlag,
    concurrency: requestsFlag,
    ...importFlags,
  },
  async run(flags) {
    const { list, out, overwrite, urls, header } = flags;
    const options = importOptions(flags);
    assertHeaders(header);
    const listed = list === undefined ? [] : linesOf(await listText(list));
    const files = wanted(urls, listed, list);
    assertFolder(out);
    if (flags.dryRun) {
      print(preview(files, out));
      return 0;
    }
    setAtStart(fetchLimit(flags.concurrency));
    const isPiped = list === "-";
    const params = isPiped ? { urls: [...urls, ...listed] } : { urls, list };
    return runImport(
      {
        pipeline: "download",
        params: { ...givenParams({ ...params, out, overwrite }), headers: header },
        table: "manifest",
        // All tasks but the one that makes the list.
        result: ({ done }) => `${plural(done - 1, "file")} in ${out}, listed in the table manifest`,
        hasKey: true,
        again: isPiped
          ? undefined
          : ["download", ...urls, ...wordsOf({ list, out, overwrite, header })],
      },
      { ...options, concurrency: flags.concurrency },
      outputOptions(flags),
    );
  },
});

/** It is made if it is missing. @throws UsageError */
function assertFolder(out: string): void {
  const found = statSync(out, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) return;
  throw new UsageError(`--out ${out}: this is a file, and the downloads need a folder`);
}

async function listText(list: string): Promise<string> {
  try {
    return await (list === "-" ? Bun.stdin.text() : Bun.file(list).text());
  } catch (error) {
    throw new UsageError(`--list ${list}: cannot be read: ${reasonOf(error)}`);
  }
}

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));

/** @throws UsageError without an address, and for what is none */
function wanted(
  urls: readonly string[],
  listed: readonly string[],
  list: string | undefined,
): readonly Wanted[] {
  if (urls.length + listed.length === 0) {
    throw list === undefined
      ? new UsageError("what is to be downloaded?", "an address, or --list urls.txt")
      : new UsageError(`--list ${list}: there is no address in it`);
  }
  let where = "";
  try {
    wantedFiles(urls, new Map());
    where = `--list ${list}: `;
    return wantedFiles([...urls, ...listed], new Map());
  } catch (error) {
    throw new UsageError(where + toFailure(error).message);
  }
}

function preview(files: readonly Wanted[], out: string): string {
  const lines = files.map(({ name, url }) => {
    const path = join(out, name);
    return `  ${path}${existsSync(path) ? " (there is a file already)" : ""}  ← ${shownUrl(url)}\n`;
  });
  return `would download ${plural(files.length, "file")} into ${out}\n${lines.join("")}`;
}
