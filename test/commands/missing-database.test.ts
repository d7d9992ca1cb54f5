// Each command that reads a database says the same of one that is not there, and of a run that is not in it.

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

const ofRun = [
  ["attach", "99"],
  ["cancel", "99"],
  ["logs", "99"],
  ["report", "99"],
  ["status", "--run", "99"],
  ["ui", "99"],
  ["why", "load", "99"],
];

test.concurrent.each(ofRun)(
  "%s of a run that is not there",
  async (...words) => {
    const db = `${words[0]}.db`;
    expect((await pipeloom(folder.path, ["init-db", "--db", db])).code).toBe(0);
    const { code, err } = await pipeloom(folder.path, [...words, "--db", db]);
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringContaining(`${db} has no run 99; pipeloom `),
    });
  },
  30_000,
);
