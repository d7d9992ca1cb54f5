import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";

import { repository } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { pipeloom } from "./pipeloom.ts";

test("run --help shows the parameters of the file, wherever it stands", async () => {
  using folder = tempFolder();
  await Bun.write(
    join(folder.path, "etl.ts"),
    'import { pipeline } from "pipeloom"; export default pipeline({ name: "etl", params: { limit: 5 }, tasks: [] });',
  );
  const { code, out, err } = await pipeloom(folder.path, ["run", "-w", "4", "etl.ts", "--help"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toStartWith(
    "Parameters of etl.ts\n  --param limit=<number>  default: 5\n\nRun the tasks",
  );
});

const file = (params: string, head = ""): string => `import { pipeline, task } from "pipeloom";
${head}const t = task({ name: "t", run: () => 1 });
export default pipeline({ name: "etl", params: ${params}, tasks: () => t() });
`;

async function parametersOf(text: string): Promise<string[]> {
  using folder = tempFolder();
  symlinkSync(join(repository, "node_modules"), join(folder.path, "node_modules"), "junction");
  await Bun.write(join(folder.path, "etl.ts"), text);
  const { out, err } = await pipeloom(folder.path, ["run", "etl.ts", "--help"]);
  expect(err).toBe("");
  return (out.split("\n\n")[0] ?? "")
    .split("\n")
    .map((line) => line.trim().replaceAll(/ {2,}/g, "  "));
}

test("comments in the object of defaults describe the parameters", async () => {
  const params = `{
  /** How many days
   * to load. */
  days: 20,
  // Where the
  // data comes from
  "url": "https://x",
  dry: false, // write nothing
  tags: ["a"],
  until: undefined,
}`;
  expect(await parametersOf(file(params))).toEqual([
    "Parameters of etl.ts",
    "--param days=<number>  How many days to load. (default: 20)",
    '--param url=<text>  Where the data comes from (default: "https://x")',
    "--param dry=<boolean>  write nothing (default: false)",
    '--param tags=<json>  default: ["a"]',
    "--param until=<value>  optional",
  ]);
});

test("a schema's types, defaults and descriptions are shown: zod, valibot", async () => {
  const zod = `z.object({
  days: z.number().default(20).describe("how many"),
  from: z.iso.date(),
  mode: z.enum(["fast", "full"]).default("fast"),
  limit: z.coerce.number().optional(),
  none: z.number().nullable().default(null),
})`;
  expect(await parametersOf(file(zod, 'import { z } from "zod";\n'))).toEqual([
    "Parameters of etl.ts",
    "--param days=<number>  how many (default: 20)",
    "--param from=<text>  required",
    '--param mode=<fast|full>  default: "fast"',
    "--param limit=<number>  optional",
    "--param none=<number>  default: null",
  ]);
  const valibot = `v.object({
  days: v.optional(v.pipe(v.number(), v.description("how many")), 20),
  from: v.string(),
  mode: v.optional(v.picklist(["fast", "full"]), "fast"),
})`;
  expect(await parametersOf(file(valibot, 'import * as v from "valibot";\n'))).toEqual([
    "Parameters of etl.ts",
    "--param days=<number>  how many (default: 20)",
    "--param from=<text>  required",
    '--param mode=<fast|full>  default: "fast"',
  ]);
});

const schema = (validate: string): string =>
  `{ "~standard": { version: 1, vendor: "own", validate: ${validate} } }`;

test("a schema that tells nothing is asked what it wants", async () => {
  const wants = schema(
    `() => ({ issues: [{ message: "no", path: ["from"] }, { message: "no", path: [{ key: "to" }] }] })`,
  );
  expect(await parametersOf(file(wants))).toEqual([
    "Parameters of etl.ts",
    "--param from=<value>  required",
    "--param to=<value>  required",
  ]);
  expect(await parametersOf(file(schema("() => ({ value: { n: 5 } })")))).toEqual([
    "Parameters of etl.ts",
    "--param n=<number>  default: 5",
  ]);
  expect(await parametersOf(file("{}"))).toEqual(["Parameters of etl.ts: none"]);
});

test("an error about a parameter says where they are listed", async () => {
  using folder = tempFolder();
  await Bun.write(join(folder.path, "my etl.ts"), file("{ days: 1 }"));
  const said =
    "error: unknown parameter \"dayz\"; known: days\n  to see its parameters: pipeloom run 'my etl.ts' --help\n";
  for (const command of [["run"], ["run", "--dry-run"], ["prove"]]) {
    const { code, err } = await pipeloom(folder.path, [
      ...command,
      "my etl.ts",
      "--param",
      "dayz=3",
    ]);
    expect({ code, err }).toEqual({ code: 2, err: said });
  }
});

test("a file that cannot be loaded: the help of the command, and the error", async () => {
  using folder = tempFolder();
  await Bun.write(
    join(folder.path, "etl.ts"),
    file("z.object({})", 'import { z } from "zodd/mini";\n'),
  );
  const { code, out, err } = await pipeloom(folder.path, ["run", "etl.ts", "--help"]);
  expect(code).toBe(1);
  expect(out).toContain("Usage pipeloom run <file> [flags]");
  expect(err).toBe(
    "error: etl.ts:2:19: Cannot find package 'zodd'\n  import { z } from \"zodd/mini\";\n                    ^\nto install it: pipeloom add zodd\n",
  );
});
