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

export class Named<Name extends string> extends Counter<object> {
  #name: Name;

  constructor(name: Name) {
    super();
    this.#name = name;
  }

  get own(): string {
    return this.#name;
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
  const { Counter, Named, Sized } = (await import(file)) as {
    readonly Counter: { readonly made: string; new (): Counter };
    readonly Named: new (name: string) => Counter & { readonly own: string };
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
  const named = new Named("n");
  named.add({});
  expect([named.half, named.own]).toEqual([0.5, "n"]);
});

test("lines keep their numbers", () => {
  const lines = withoutPrivate(source).split("\n");
  expect(lines).toHaveLength(source.split("\n").length);
  expect(lines.indexOf("  get half(): number {")).toBe(
    source.split("\n").indexOf("  get half(): number {"),
  );
});

test.each([
  ["asks whether an object is one of its own", "  is = (value: object): boolean => #a in value;"],
  [
    "has a class with a member of the same name",
    "  make = () =>\n    class {\n      #a = 2;\n      a = this.#a;\n    };",
  ],
])("a class that %s is an error of the build", (_, use) => {
  const text = `class A {\n  #a = 1;\n${use}\n}\n`;
  expect(() => withoutPrivate(text)).toThrow("#a is used in a way that the build does not know");
});

test.each([
  ["engine/run.ts", true],
  ["worker/task-context.ts", false],
  ["api/task.ts", false],
  ["page/app/main.ts", false],
])("%s: %p", (path, expected) => {
  expect(isInside(join("/srv/pipeloom/src", path))).toBe(expected);
});
