// What the build does to classes whose objects stay inside.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { isInside, withoutPrivate } from "../../.github/release/private-members.ts";
import { tempFolder } from "../support/temp-folder.ts";

const source = `// A module.

export class Counter<T extends object> implements Iterable<T> {
  readonly #items: T[] = [];
  static #made = 0;
  #size = 0;

  constructor() {
    Counter.#made += 1;
  }

  static get made(): string {
    return \`#made: \${Counter.#made}\`;
  }

  get #half(): number {
    return this.#size / 2;
  }

  add(item: T, to?: Counter<T>): this {
    (to ?? this).#push(item);
    to?.#push(item);
    return this;
  }

  #push(item: T): void {
    this.#items.push(item);
    this.#size++;
  }

  *[Symbol.iterator](): Iterator<T> {
    yield* this.#items;
  }

  get half(): number {
    return this.#half;
  }
}

export class Sized extends Counter<object> {
  #size = 7;

  get own(): number {
    return this.#size;
  }
}
`;

type Counter = Iterable<object> & { readonly half: number; add(item: object): Counter };
type Sized = Counter & { readonly own: number };

test("the members are ordinary ones, and do the same; a class that extends another keeps its own", async () => {
  using folder = tempFolder();
  const file = join(folder.path, "made.ts");
  await Bun.write(file, withoutPrivate(source));
  const { Counter, Sized } = (await import(file)) as {
    readonly Counter: { readonly made: string; new (): Counter };
    readonly Sized: new () => Sized;
  };
  const counter = new Counter();
  counter.add({}).add({ a: 1 });
  expect([...counter]).toEqual([{}, { a: 1 }]);
  expect([counter.half, Counter.made]).toEqual([1, "#made: 1"]);
  expect(Object.keys(counter)).toEqual(["$0", "$2"]);
  const sized = new Sized();
  sized.add({});
  expect([sized.half, sized.own]).toEqual([0.5, 7]);
});

test("lines keep their numbers", () => {
  const lines = withoutPrivate(source).split("\n");
  expect(lines).toHaveLength(source.split("\n").length);
  expect(lines.indexOf("  get half(): number {")).toBe(
    source.split("\n").indexOf("  get half(): number {"),
  );
});

test("a class that asks whether an object is one of its own is an error of the build", () => {
  const asks = `class A {\n  #a = 1;\n\n  static is(value: object): boolean {\n    return #a in value;\n  }\n}\n`;
  expect(() => withoutPrivate(asks)).toThrow("a private name is asked for: #a in v");
});

test.each([
  ["engine/run.ts", true],
  ["worker/task-context.ts", false],
  ["api/task.ts", false],
  ["page/app/main.ts", false],
])("%s: %p", (path, expected) => {
  expect(isInside(join("/srv/pipeloom/src", path))).toBe(expected);
});
