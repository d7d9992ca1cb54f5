// The contents of the kit, and how it is written into a project.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { below, type Kit, packKit, type TextFiles, unpackKit } from "../../src/kit/kit.ts";
import { makeKit } from "../../.github/release/kit/make-kit.ts";
import { writeModules } from "../../src/kit/modules.ts";
import { templateNames } from "../../src/commands/init/answers.ts";
import { tempFolder } from "../support/temp-folder.ts";

setDefaultTimeout(60_000);

const kit: Kit = await makeKit();

async function bun(args: readonly string[], cwd: string): Promise<{ code: number; out: string }> {
  const child = Bun.spawn([process.execPath, ...args], { cwd, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, out: out + err };
}

describe("the kit", () => {
  test("holds every template, with a pipeline, a test and a README", () => {
    for (const name of templateNames) {
      const files = Object.keys(below(kit.templates, name));
      expect(files).toContain("pipeline.ts");
      expect(files).toContain("pipeline.test.ts");
      expect(files).toContain("README.md");
    }
  });

  test("has BullMQ in a file of its own, which the library loads with an engine", async () => {
    using folder = tempFolder();
    writeModules(folder.path, kit.modules);
    const libraries = Object.keys(kit.modules).filter((path) => path.endsWith(".cjs"));
    expect(libraries).toEqual(["pipeloom/libraries.cjs"]);
    const loaders = Object.entries(kit.modules)
      .filter(([, text]) => text.includes("libraries.cjs"))
      .map(([path]) => join(folder.path, "node_modules", path));
    expect(loaders).toHaveLength(1);
    const file = join(folder.path, "node_modules/pipeloom/libraries.cjs");
    const script = `await import(process.argv[1]); console.log(Object.keys(require(process.argv[2])).sort().join())`;
    const { code, out } = await bun(["-e", script, ...loaders, file], folder.path);
    expect({ code, out }).toEqual({ code: 0, out: "Queue,Redis,WaitingError,Worker\n" });
  });

  test("is unchanged by packing", () => {
    expect(unpackKit(packKit(kit, 1))).toEqual(kit);
  });

  test("the declarations need no import, and only types of ECMAScript and the DOM", async () => {
    using folder = tempFolder();
    const declarations = kit.modules["pipeloom/index.d.ts"] ?? "";
    expect(/^import |import\(|reference /m.test(declarations)).toBe(false);
    await Bun.write(join(folder.path, "pipeloom.d.ts"), declarations);
    await Bun.write(
      join(folder.path, "use.ts"),
      `import { each, pipeline, task } from "./pipeloom.js";
       const list = task({ name: "list", run: (_: void, ctx) => [1, ctx.attempt] });
       const double = task({ name: "double", run: ({ n }: { n: number }) => n * 2 });
       double({ n: list() }); // wrong
       export default pipeline({ name: "x", tasks: () => each(list(), (n) => double({ n })) });`,
    );
    const flags =
      "--lib ESNext,DOM --target ESNext --module Preserve --allowImportingTsExtensions --noEmit --skipLibCheck false --no-pretty";
    const { code, out } = await bun(
      ["check", "--no-script", ...flags.split(" "), "."],
      folder.path,
    );
    expect(out).toContain("use.ts(4,");
    expect(out).toContain("Found 1 error in 1 file");
    expect(code).toBe(1);
  });
});

describe("writing modules", () => {
  const modules: TextFiles = { "pipeloom/index.js": "1", "@types/node/a/b.d.ts": "2" };

  test("writes each package once", () => {
    using folder = tempFolder();
    expect(writeModules(folder.path, modules)).toEqual(["pipeloom", "@types/node"]);
    expect(existsSync(join(folder.path, "node_modules/@types/node/a/b.d.ts"))).toBe(true);
    expect(writeModules(folder.path, modules)).toEqual([]);
  });

  test("replaces a package that another executable wrote", async () => {
    using folder = tempFolder();
    writeModules(folder.path, { ...modules, "pipeloom/old.js": "" });
    expect(writeModules(folder.path, modules)).toEqual(["pipeloom"]);
    expect(existsSync(join(folder.path, "node_modules/pipeloom/old.js"))).toBe(false);
  });

  test("keeps a package that the user installed", async () => {
    using folder = tempFolder();
    const own = join(folder.path, "node_modules/pipeloom/index.js");
    await Bun.write(own, "mine");
    expect(writeModules(folder.path, modules)).toEqual(["@types/node"]);
    expect(await Bun.file(own).text()).toBe("mine");
  });
});
