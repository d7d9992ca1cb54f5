import { expect, test } from "bun:test";
import { join } from "node:path";

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
  expect(out).toContain("Parameters of etl.ts:\n  --param limit=<number>  default 5\n");
});
