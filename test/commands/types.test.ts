// `types` and `check`: what an editor and a person see of a pipeline file without a project.

import { expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { bundledLibraries } from "../../.github/release/packed-libraries.ts";
import { LanguageServer } from "../support/language-server.ts";
import { type Ended, pipeloom, repository, run } from "../support/program.ts";
import { tempFolder, type TempFolder } from "../support/temp-folder.ts";

const timeoutMs = 120_000;

const start = (folder: TempFolder, ...args: readonly string[]): Promise<Ended> =>
  run([...pipeloom, ...args], folder.path);

const good = `import { pipeline, task } from "pipeloom";
const t = task({ name: "t", run: () => Array.from("ab", (x) => x.padStart(2).replaceAll(" ", Bun.version)) });
export default pipeline({ name: "p", tasks: () => t() });
`;

test(
  "an editor has nothing to say of the files in the README and the guide, once `types` has run",
  async () => {
    using folder = tempFolder();
    const texts = await Promise.all(
      ["README.md", "src/commands/docs/guide.md"].map((path) =>
        Bun.file(join(repository, path)).text(),
      ),
    );
    const blocks = [...texts.join("\n").matchAll(/^```ts title="([^"]+)"[^\n]*\n(.*?)^```$/gms)];
    expect(blocks.length).toBeGreaterThan(5);
    for (const [, name = "", text = ""] of blocks) await Bun.write(join(folder.path, name), text);
    {
      await using before = await LanguageServer.start(folder.path);
      expect(await before.problems(join(folder.path, "etl.ts"))).not.toEqual([]);
    }
    expect((await start(folder, "types", "etl.ts")).code).toBe(0);
    await using server = await LanguageServer.start(folder.path);
    for (const [, name = ""] of blocks) {
      expect({ name, problems: await server.problems(join(folder.path, name)) }).toEqual({
        name,
        problems: [],
      });
    }
  },
  timeoutMs,
);

test(
  "the library that `types` writes has BullMQ, which the executable shares with it",
  async () => {
    using folder = tempFolder();
    expect((await start(folder, "types")).code).toBe(0);
    const written = join(folder.path, "node_modules/pipeloom/libraries.cjs");
    expect(await Bun.file(written).text()).toBe(await bundledLibraries());
  },
  timeoutMs,
);

test.skipIf(process.platform === "win32")(
  "types writes nothing beside what is no file, such as /dev/null",
  async () => {
    using folder = tempFolder();
    expect(await start(folder, "types", "/dev/null")).toMatchObject({
      code: 2,
      err: expect.stringContaining("/dev/null is not a regular file"),
    });
  },
);

test(
  "types says what it has written and how to undo it, and keeps what is there",
  async () => {
    using folder = tempFolder();
    await Bun.write(join(folder.path, "etl.ts"), good);
    const first = await start(folder, "types", "etl.ts");
    expect(first.out).toStartWith("wrote node_modules/pipeloom, node_modules/bun-types, ");
    expect(first.out).toContain("to undo it, delete node_modules and tsconfig.json\n");
    expect((await start(folder, "types")).out).toEndWith(" are up to date\n");
    rmSync(join(folder.path, "node_modules/pipeloom"), { recursive: true });
    await Bun.write(join(folder.path, "tsconfig.json"), "{}");
    const second = await start(folder, "types");
    expect(second.out).toStartWith(
      "wrote node_modules/pipeloom\nto undo it, delete node_modules/pipeloom\n",
    );
    expect(await Bun.file(join(folder.path, "tsconfig.json")).text()).toBe("{}");
    const missing = await start(folder, "types", "nowhere.ts");
    expect(missing).toMatchObject({ code: 2 });
    expect(missing.err).toStartWith("error: nowhere.ts: no such file or folder\n");
  },
  timeoutMs,
);

test(
  "check writes nothing, and finds the same with and without a tsconfig.json",
  async () => {
    using folder = tempFolder();
    await Bun.write(join(folder.path, "etl.ts"), good);
    expect(await start(folder, "check")).toMatchObject({ code: 0 });
    expect(readdirSync(folder.path)).toEqual(["etl.ts"]);
    const config =
      '{ // with its own paths\n "compilerOptions": { "strict": true, "lib": ["ESNext"], "module": "Preserve", "allowImportingTsExtensions": true, "noEmit": true, "paths": { "own": ["./lib/own.ts"] } }, }';
    await Bun.write(join(folder.path, "tsconfig.json"), config);
    await Bun.write(join(folder.path, "lib/own.ts"), "export const own: number = 1;\n");
    await Bun.write(
      join(folder.path, "use.ts"),
      'import { own } from "own";\nexport const text: string = own;\n',
    );
    const { code, out, err } = await start(folder, "check");
    expect({ code, out, err }).toMatchObject({ code: 1 });
    expect(out + err).toContain(
      "use.ts(2,14): error TS2322: Type 'number' is not assignable to type 'string'.",
    );
    expect(out + err).toContain("Found 1 error");
    expect(existsSync(join(folder.path, "node_modules"))).toBeFalse();
  },
  timeoutMs,
);

test(
  "what is not a duration, and what is not JSON, is a type error that says what to write",
  async () => {
    using folder = tempFolder();
    const lines: readonly (readonly [code: string, said: string])[] = [
      [
        `task({ name: "a", timeout: "30 seconds", run: () => 1 })`,
        `Type '"30 seconds"' is not assignable to type 'Duration | undefined'.`,
      ],
      [
        `task({ name: "b", retries: { limit: 1, delay: "1 sec" }, run: () => 1 })`,
        `Type '"1 sec"' is not assignable to type 'Duration | undefined'.`,
      ],
      [
        `fine({ n: 1 }, { timeout: "1 minute" })`,
        `Type '"1 minute"' is not assignable to type 'Duration | undefined'.`,
      ],
      [
        `task({ name: "c", run: () => new Date() })`,
        `Type 'Date' is not assignable to type '"a Date is not JSON: pass date.toISOString()"`,
      ],
      [
        `task({ name: "d", run: async () => [{ at: new Date() }] })`,
        `Type 'Date' is not assignable to type '"a Date is not JSON: pass date.toISOString()"'.`,
      ],
      [
        `task({ name: "e", run: () => ({ n: 5n }) })`,
        `Type 'bigint' is not assignable to type '"a bigint is not JSON: pass String(n)"'.`,
      ],
      [
        `task({ name: "f", run: async () => [Promise.resolve(1)] })`,
        `Type 'Promise<number>' is not assignable to type '"a promise is not JSON: await it"'.`,
      ],
      [
        `mapped({ m: new Map([["a", 1]]) })`,
        `Type 'Map<string, number>' is not assignable to type '"a Map is not JSON: pass Object.fromEntries(map) or [...map]"'.`,
      ],
      [
        `mapped({ m: new Map(), d: [new Date()] })`,
        `Type 'Date' is not assignable to type '"a Date is not JSON: pass date.toISOString()"'.`,
      ],
    ];
    const head = `import { each, task } from "pipeloom";
interface Tree { a: number; b?: string; children: readonly Tree[] }
const fine = task({ name: "fine", timeout: "1m 30s", run: ({ n }: { n: number }): Tree => ({ a: n, children: [] }) });
const loose = task({ name: "loose", retries: { limit: 1, delay: "1.5 s", maxDelay: "1h30m15s" }, run: async () => (await fetch("x")).json() });
const none = task({ name: "none", run: async (_, ctx) => { if (ctx.attempt > 1) return; return { a: [1, "b", null] as const }; } });
const named = task<{ x: unknown }, string>({ name: "named", run: ({ x }) => String(x) });
const any = task({ name: "any", run: ({ v }: { v: any }) => v });
export const nodes = [loose(), none(), named({ x: fine({ n: 1 }) }), any({ v: 1 }), each([1], (n) => fine({ n }))];
const mapped = task({ name: "mapped", run: ({ m }: { m: Map<string, number>; d?: Date[] }) => m.size });
`;
    const first = head.split("\n").length;
    await Bun.write(
      join(folder.path, "etl.ts"),
      `${head}${lines.map(([code]) => `${code};\n`).join("")}`,
    );
    const { out, err } = await start(folder, "check");
    const errors = (out + err)
      .split(/^(?=etl\.ts\()/m)
      .filter((text) => text.startsWith("etl.ts("));
    const at = errors.map((text) => Number(/^etl\.ts\((\d+),/.exec(text)?.[1]));
    expect([...new Set(at)]).toEqual(lines.map((_, i) => first + i));
    for (const [i, [, said]] of lines.entries()) {
      expect(errors.filter((_, n) => at[n] === first + i).join("\n")).toContain(said);
    }
  },
  timeoutMs,
);

test(
  "check takes one file, with what it imports, and leaves out its neighbours",
  async () => {
    using folder = tempFolder();
    await Bun.write(join(folder.path, "etl.ts"), good);
    await Bun.write(join(folder.path, "other.ts"), "export const x: number = 'text';\n");
    expect(await start(folder, "check", "etl.ts")).toMatchObject({ code: 0 });
    const wrong = await start(folder, "check", "other.ts");
    expect([wrong.code, wrong.out + wrong.err]).toEqual([
      1,
      expect.stringContaining("other.ts(1,14)"),
    ]);
    await Bun.write(join(folder.path, "etl.ts"), `import "./other.ts";\n${good}`);
    expect((await start(folder, "check", "etl.ts")).code).toBe(1);
    expect(readdirSync(folder.path).toSorted()).toEqual(["etl.ts", "other.ts"]);
    await Bun.write(join(folder.path, "data/x.csv"), "");
    for (const [target, message] of [
      ["data", "data: no TypeScript file (.ts) in this folder"],
      ["data/x.csv", "data/x.csv is not a TypeScript file"],
      ["nix", "nix: no such file or folder"],
    ] as const) {
      const { code, err } = await start(folder, "check", target);
      expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
    }
  },
  timeoutMs,
);
