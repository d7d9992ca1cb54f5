// Bytes with some of them replaced, removed, repeated or swapped.

import * as fc from "fast-check";

type Change = {
  readonly kind: "set" | "insert" | "cut" | "repeat";
  readonly at: number;
  readonly size: number;
  readonly bytes: Uint8Array;
};

const interesting = [
  "\0",
  '"',
  ",",
  "\n",
  "\r",
  "\\",
  "{",
  "}",
  "[",
  "]",
  ":",
  "=",
  "#",
  "'",
  "\ufeff",
  "\ud83d",
  "\u00e9",
  "\xff",
].map((text) => Buffer.from(text, text === "\xff" ? "latin1" : "utf8"));

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom("set", "insert", "cut", "repeat"),
  at: fc.nat(),
  size: fc.nat(8),
  bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 4 }), fc.constantFrom(...interesting)),
});

function changed(bytes: Uint8Array, { kind, at, size, bytes: new_ }: Change): Uint8Array {
  const from = at % (bytes.length + 1);
  const to = Math.min(bytes.length, from + size);
  const [head, middle, tail] = [
    bytes.subarray(0, from),
    bytes.subarray(from, to),
    bytes.subarray(to),
  ];
  switch (kind) {
    case "set":
      return Buffer.concat([
        head,
        new_,
        bytes.subarray(Math.min(bytes.length, from + new_.length)),
      ]);
    case "insert":
      return Buffer.concat([head, new_, middle, tail]);
    case "cut":
      return Buffer.concat([head, tail]);
    case "repeat":
      return Buffer.concat([head, middle, middle, tail]);
  }
}

export const mutated = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.array(change, { maxLength: 4 }).map((changes) => changes.reduce(changed, bytes));
