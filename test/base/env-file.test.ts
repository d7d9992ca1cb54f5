// What `.env` files say, and which of them count.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { readEnvFiles } from "../../src/base/env-file.ts";
import { tempFolder } from "../support/temp-folder.ts";

async function read(
  files: Readonly<Record<string, string>>,
  from = ".",
  env: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  using folder = tempFolder();
  for (const [name, text] of Object.entries(files)) await Bun.write(join(folder.path, name), text);
  return readEnvFiles(join(folder.path, from), env);
}

test("quotes, comments, references and escapes are those of Bun", async () => {
  const text = [
    "A=1",
    "B='x y' # a comment",
    'C="a\\nb"',
    "export D=$A-${HOST}",
    "E=${NONE:-other}",
    "F=\\$A",
    "G=",
    "NONE_EITHER=$MISSING",
  ].join("\n");
  expect(await read({ ".env": text }, ".", { HOST: "h" })).toEqual({
    A: "1",
    B: "x y",
    C: "a\nb",
    D: "1-h",
    E: "other",
    F: "$A",
    G: "",
    NONE_EITHER: "",
  });
});

test(".env.local overrides .env.<NODE_ENV>, which overrides .env", async () => {
  const files = {
    ".env": "A=1\nB=1\nC=1",
    ".env.development": "B=2\nC=2",
    ".env.production": "B=9",
    ".env.local": "C=3",
  };
  expect(await read(files)).toEqual({ A: "1", B: "2", C: "3" });
  expect(await read(files, ".", { NODE_ENV: "production" })).toEqual({ A: "1", B: "9", C: "3" });
});

test("the nearest folder counts, up to the root of the project and not beyond", async () => {
  const project = { ".env": "A=outside", "p/package.json": "{}", "p/jobs/etl.ts": "" };
  expect(await read(project, "p/jobs")).toEqual({});
  expect(await read({ ...project, "p/.env": "A=root" }, "p/jobs")).toEqual({ A: "root" });
  const both = { ...project, "p/.env": "A=root", "p/jobs/.env": "B=near" };
  expect(await read(both, "p/jobs")).toEqual({ B: "near" });
});

test("a folder called .env is not read", async () => {
  expect(await read({ ".env/bin/python": "" })).toEqual({});
});
