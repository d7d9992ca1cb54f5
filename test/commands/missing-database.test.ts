// Each command that reads a database says the same of one that is not there.

import { afterAll, expect, test } from "bun:test";

import { tempFolder } from "../support/temp-folder.ts";
import { pipeloom } from "./pipeloom.ts";

const folder = tempFolder();
afterAll(() => folder[Symbol.dispose]());

const commands = [
  ["attach"],
  ["cancel"],
  ["logs"],
  ["prune", "--keep-runs", "1"],
  ["query", "SELECT 1"],
  ["report"],
  ["runs"],
  ["status"],
  ["ui"],
  ["why", "load"],
];

test.concurrent.each(commands)(
  "%s",
  async (...words) => {
    const { code, out, err } = await pipeloom(folder.path, [...words, "--db", "no.db"]);
    const hint = "run a pipeline first, or give its path with --db";
    expect({ code, out, err }).toEqual({
      code: 1,
      out: "",
      err: `error: there is no database at no.db; ${hint}\n`,
    });
  },
  30_000,
);
