// What the build does to the modules of a run: all of their functions are named to the JIT, and nothing else changes.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { withMarks } from "../../.github/release/mid-tier.ts";
import { tempFolder } from "../support/temp-folder.ts";

const source = `// A module.

export function outer(): number {
  return inner() + 1;
}

function inner(): number {
  return 1;
}

export const arrow = (a: number): number => a;
const constant = 3;

export class Counter<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#size();
  }

  add(item: T): this {
    this.#push(item);
    return this;
  }

  #push(item: T): void {
    this.#items.push(item);
  }

  #size(): number {
    return this.#items.length + constant;
  }
}

/** Made while the module is evaluated. */
export const early = new Counter<string>().add("a");
`;

/** A marker that keeps the names, in place of the one that tells the JIT. */
const recorder = `export const marked: string[] = [];
export function keep(...functions: Function[]): true {
  for (const { name } of functions) marked.push(name);
  return true;
}
export function keepClass({ name }: Function): void {
  marked.push(name);
}
`;

async function loaded(folder: string) {
  await Bun.write(join(folder, "recorder.ts"), recorder);
  const text = withMarks(source).replace("pipeloom:mid-tier", "./recorder.ts");
  await Bun.write(join(folder, "module.ts"), text);
  const { marked } = (await import(join(folder, "recorder.ts"))) as { readonly marked: string[] };
  const module = (await import(join(folder, "module.ts"))) as {
    readonly outer: () => number;
    readonly early: { readonly size: number; add(item: string): { readonly size: number } };
  };
  return { marked, module };
}

test("functions, classes and private methods are marked, a class once", async () => {
  using folder = tempFolder();
  const { marked, module } = await loaded(folder.path);
  expect(module.outer()).toBe(2);
  expect(module.early.add("b").size).toBe(5);
  expect(marked.toSorted()).toEqual(["#push", "#size", "Counter", "arrow", "inner", "outer"]);
});

test("lines keep their numbers", () => {
  const lines = withMarks(source).split("\n");
  for (const [at, line] of source.trimEnd().split("\n").entries())
    expect(lines[at]).toStartWith(line);
});

test("a module of types stays as it is", () => {
  const types = "export type A = 1;\n";
  expect(withMarks(types)).toBe(types);
});
