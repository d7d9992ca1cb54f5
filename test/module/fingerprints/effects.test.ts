// What counts for all tasks, because any of them may depend on it, and what counts only for those who name it.

import { describe, expect, test } from "bun:test";

import { newRig } from "../../support/rig.ts";
import { bystander, fingerprints } from "./fingerprints-in.ts";

/** Whether an edit of the code counts for a task that does not name it. */
async function countsForAll(text: string): Promise<boolean> {
  await using rig = newRig();
  const of = async (code: string): Promise<unknown> => {
    const found = await fingerprints(rig, { "p.ts": bystander + code }, ["bystander"]);
    expect(found.coarse).toBeUndefined();
    return found.byTask.get("bystander");
  };
  expect(text).toContain("ONE");
  return (await of(text)) !== (await of(text.replaceAll("ONE", "TWO")));
}

describe("code that does something when the file is loaded counts for all tasks", () => {
  test.each([
    'start("ONE");',
    'start("ONE"); const p = pipeline({ name: "p", tasks: [] }); await runPipeline(p);',
    'const p = pipeline({ name: "p", tasks: [] }); await runPipeline(p, start("ONE"));',
    'const p = pipeline({ name: "p", tasks: [] }); void runPipeline(p); start("ONE");',
    'if (known) await runPipeline("x.ts"); start("ONE");',
    'const x = start("ONE");',
    'const x = new Client("ONE");',
    'const x = log.start("ONE");',
    'const x = log?.("ONE");',
    'const x = log.start?.("ONE");',
    "const x = tag`ONE`;",
    'await start("ONE");',
    'import.meta.env["ONE"] = "1";',
    "globalThis.count ??= ONE;",
    "let count = 0; count++; count += ONE;",
    "delete globalThis.ONE;",
    "(() => { start(ONE); })();",
    "const x = (function () { return start(ONE); })();",
    "function register() { start(ONE); } const x = [1].map(register);",
    "[1].forEach(() => start(ONE));",
    "const x = [1].map((one) => start(one, ONE));",
    "const x = Array.from([1], (one) => start(one, ONE));",
    "const hooks = { run: () => start(ONE) }; const x = [1].map(hooks.run);",
    "const x = known ? () => 1 : start(ONE);",
    "const x = { ...start(ONE) };",
    "const x = { get: start(ONE) };",
    "const x = `${start(ONE)}`;",
    "class X { static x = start(ONE); }",
    "class X { static { start(ONE); } }",
    "class X extends mixin(ONE) {}",
    "class X extends shared.mixin(ONE) {}",
    "class X extends shared[known](ONE) { method() {} }",
    "const x = class extends mixin(ONE) { method() {} };",
    "class X { [start(ONE)]() {} }",
    "@log(ONE) class X {}",
    "class X { @log(ONE) method() {} }",
    "const x = new Map(start(ONE));",
    "const x = shared.JSON.parse(ONE);",
    "const x = [shared].at(0).join(ONE);",
    "const x = Object.assign(globalThis, { ONE });",
    "const x = shared.sort(() => ONE);",
    "function make() { start(ONE); } const x = make();",
    "let count = 0; const make = (n: number) => (count += n); const x = make(ONE);",
    "function make(list: unknown[]) { list.push(ONE); } const x = make(shared);",
    "function make(n = start(ONE)) { return n; } const x = make();",
    "let make = () => 1; make = () => start(ONE); const x = make();",
    "for (const one of [1, 2]) start(one, ONE);",
    "if (known) start(ONE); else start(2);",
    "namespace Space { export const x = start(ONE); }",
    "enum Kind { A = start(ONE) }",
    'pipeline({ name: "x", tasks: build(ONE) });',
    'const x = task({ name: "x", run: start(ONE) });',
    'const x = task({ name: "x", run: () => 1, ...start(ONE) });',
    "export const { x } = start(ONE);",
    "try { start(ONE); } catch {}",
    "using x = start(ONE);",
    "const x = /* @__PURE__ */ start(ONE);",
  ])("%s", async (text) => {
    expect(await countsForAll(text)).toBe(true);
  });
});

describe("code that only describes counts for those who name it", () => {
  test.each([
    'const x = "ONE";',
    "const x = -1 + Number(ONE) / Math.max(1, ONE);",
    'const x = process.env["ONE"];',
    "const x = { a: [ONE, { b() { start(ONE); } }], get c() { return start(ONE); } };",
    'const x = { [known]() { start(ONE); }, "a-b"(n: number) { start(ONE); }, async *c() { start(ONE); }, async [known]() { start(ONE); } };',
    "class X { method() {} [known]() { start(ONE); } static async [known]() { start(ONE); } get b() { return start(ONE); } }",
    "const x = () => start(ONE), y = async (n: number) => { await start(ONE); };",
    "const x = (n = start(ONE)) => n;",
    "function x() { start(ONE); }",
    "async function* x() { yield start(ONE); }",
    "class X { y = 1; static z = 2; #w = new Map(); constructor() { start(ONE); } static m() { start(ONE); } }",
    "class X extends Error { m() { start(ONE); } }",
    "const x = new Map([[1, ONE]]), y = new Set([ONE]), z = new URL('https://example.org/ONE');",
    'const x = ["a", "ONE"].map((one) => `${one}.csv`).join(",");',
    "const days = [1, ONE]; const x = days.filter((day) => day > 1).map((day) => ({ day }));",
    "const x = Array.from({ length: ONE }, (_, i) => i * 2);",
    "const x = Object.keys({ ONE: 1 }).length;",
    "const x = /ONE/.source;",
    "const x = known ? ONE : 2;",
    "enum Kind { A = ONE, B = 'b' } ",
    "type X = ONE;",
    'const p = pipeline({ name: "p", tasks: () => start("ONE") }); await runPipeline(p, { onEvent: () => start("ONE") });',
    'const p = pipeline({ name: "p", tasks: [] }); const summary = await runPipeline(p); start(summary, "ONE");',
    'const note = message("note", () => start(ONE));',
    'export default pipeline({ name: "ONE", tasks: () => start(ONE), onFinish: () => start(ONE) });',
    'export default pipeline({ name: "x", tasks: [bystander(), ...[1, ONE].map(() => bystander())] });',
    'function make(name: string) { return task({ name, run: () => start(ONE) }); } const a = make("a"), b = make("ONE");',
    "const wrap = (run: () => number) => () => start(ONE) ?? run(); const x = task({ name: 'x', run: wrap(() => ONE) });",
    'for (const name of ["a", "ONE"]) task({ name, run: () => start(ONE) });',
    "if (ONE > 1) throw new Error('ONE');",
    "const later = () => import('ONE');",
  ])("%s", async (text) => {
    expect(await countsForAll(text)).toBe(false);
  });
});
