// Serve's log: what a terminal shows, and what the file has.

import { expect, test } from "bun:test";
import { renameSync, statSync } from "node:fs";

import { paletteOf } from "../../src/base/palette.ts";
import { LogWriter } from "../../src/serve/log-writer.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("a log file is for its user alone, also a new one after a rotation; what only a terminal may show is not in it", async () => {
  using folder = tempFolder();
  const file = `${folder.path}/serve.log`;
  let shown = "";
  const log = new LogWriter({
    now: () => Date.UTC(2026, 0, 1),
    write: (text) => void (shown += text),
    colors: paletteOf(0),
    file,
    verbosity: 0,
  });
  log.log(
    "info",
    "the page: http://127.0.0.1:4800/?token=once",
    "the page: http://127.0.0.1:4800/",
  );
  expect(shown).toEndWith(" the page: http://127.0.0.1:4800/?token=once\n");
  expect(await Bun.file(file).text()).toBe(
    "2026-01-01T00:00:00.000Z info  the page: http://127.0.0.1:4800/\n",
  );
  renameSync(file, `${file}.1`);
  log.log("warn", "a\nb");
  expect(await Bun.file(file).text()).toBe(
    "2026-01-01T00:00:00.000Z warn  a\n2026-01-01T00:00:00.000Z warn  b\n",
  );
  if (process.platform === "win32") return;
  for (const path of [file, `${file}.1`]) expect(statSync(path).mode & 0o777).toBe(0o600);
});
