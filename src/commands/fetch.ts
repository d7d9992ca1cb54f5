// `pipeloom fetch <url…>`: loads JSON over HTTP into a table.

import { toFailure } from "../base/failure.ts";
import { URL } from "../base/globals.ts";
import { defineCliCommand } from "../cli/command.ts";
import { print } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import { parseSelect } from "../formats/json/json-rows.ts";
import { checkAddress, shownUrl } from "../formats/http/shown-url.ts";
import { fileNameOf } from "../examples/files/file-name.ts";
import { plural } from "../base/text.ts";
import { defaultDb } from "../store/choose-database.ts";
import { keyOf } from "../examples/name-list.ts";
import { outputOptions } from "./common-flags.ts";
import { fetchLimit, setAtStart } from "./start-variables.ts";
import {
  assertHeaders,
  headerFlag,
  importFlags,
  importOptions,
  requestsFlag,
  targetFlags,
} from "./import/import-flags.ts";
import { givenParams, runImport, wordsOf } from "./import/run-import.ts";
import { targetTable } from "./import/into-table.ts";

export const command = defineCliCommand({
  meta: {
    name: "fetch",
    details:
      "One address may have many pages (a Link header with rel=next). Waits as long as the server asks (Retry-After), and goes on after a broken transfer. The table is created if it is missing, and grows with new properties.",
    examples: [
      {
        line: "pipeloom fetch https://example.com/posts.json",
        what: "an array of objects into the table posts of ./pipeloom.db",
      },
      {
        line: "pipeloom fetch https://example.com/api/users --path data.items --select id,name,city=address.city --key id",
        what: "rows from inside the response, some of their properties, updated by id",
      },
      {
        line: "pipeloom fetch https://example.com/api/orders -H 'Authorization: Bearer $TOKEN'",
        what: "with a header, whose value is in a variable",
      },
    ],
  },
  args: {
    urls: {
      type: "positional",
      repeat: true,
      required: true,
      valueHint: "url",
      description: "addresses of JSON or JSON Lines",
    },
    table: { ...targetFlags.table, defaultHint: "the last part of the address" },
    key: targetFlags.key,
    select: {
      type: "string",
      valueHint: "list",
      defaultHint: "all properties",
      description: "columns and their paths: id,title,author=user.name",
      check: parseSelect,
    },
    path: {
      type: "string",
      valueHint: "path",
      description: "the path of the array in the response: data.items",
    },
    format: {
      type: "enum",
      options: ["auto", "json", "jsonl"],
      description: "one JSON value, or one a line",
    },
    header: headerFlag,
    concurrency: requestsFlag,
    ...importFlags,
  },
  async run(flags) {
    const { urls, table: asked, key, select, path, format, header } = flags;
    const options = importOptions(flags);
    assertHeaders(header);
    for (const url of urls) checkUrl(url);
    const table = targetTable(asked, urls.map(lastPart), "address");
    const reading = { key, select, path, format };
    if (flags.dryRun) {
      const lines = urls.map((url) => `  ${shownUrl(url)}\n`).join("");
      print(
        `would fetch ${plural(urls.length, "address", "addresses")} → table ${table} of ${options.db ?? defaultDb}\n${lines}`,
      );
      return 0;
    }
    setAtStart(fetchLimit(flags.concurrency));
    return runImport(
      {
        pipeline: "fetch",
        params: { urls, table, headers: header, ...givenParams(reading) },
        table,
        hasKey: keyOf(key ?? "").length > 0,
        again: ["fetch", ...urls, ...wordsOf({ table: asked, ...reading, header })],
      },
      { ...options, concurrency: flags.concurrency },
      outputOptions(flags),
    );
  },
});

/** @throws UsageError */
function checkUrl(url: string): void {
  try {
    checkAddress(url);
  } catch (error) {
    throw new UsageError(
      toFailure(error).message,
      "e.g. https://example.com/posts.json; a CSV file: pipeloom csv",
    );
  }
}

/** Empty for an address that is only a server. */
const lastPart = (url: string): string =>
  /[^/]/.test(new URL(url).pathname) ? fileNameOf(url) : "";
