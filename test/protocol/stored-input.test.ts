import { expect, test } from "bun:test";
import * as fc from "fast-check";

import { Mask } from "../../src/protocol/mask.ts";
import { inputLimit, maskedStart, storedInput } from "../../src/protocol/stored-input.ts";

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test("whole up to the limit; beyond, cut so that nobody takes it for the whole", () => {
  expect(storedInput('{"day":1}', 9, undefined)).toBe('{"day":1}');
  expect(storedInput('{"day":1}', 8, undefined)).toBe('{"day":1…');
  expect(storedInput("123456", 3, undefined)).toBe("123…");
  expect(storedInput('"x😀"', 3, undefined)).toBe('"x…');
  expect([inputLimit("short"), inputLimit("full"), inputLimit("none")]).toEqual([
    1024,
    Number.POSITIVE_INFINITY,
    0,
  ]);
  expect(storedInput('{"day":1}', 0, undefined)).toBeUndefined();
  expect(storedInput("", 9, undefined)).toBeUndefined();
});

test("secrets are masked, also one that is a number, and one at the cut", () => {
  const mask = Mask.of(["TOKEN", "PIN"], { TOKEN: "swordfish-swordfish", PIN: "1234567890" });
  expect(storedInput('{"a":"swordfish-swordfish"}', 99, mask)).toBe('{"a":"***"}');
  expect(storedInput('{"pin":1234567890}', 99, mask)).toBe('{"pin":***}…');
  for (let limit = 1; limit < 60; limit++) {
    const text = `{"a":"swordfish-swordfish","b":"swordfish-swordfish","c":1234567890}`;
    const stored = storedInput(text, limit, mask) ?? "";
    expect(stored).not.toMatch(/[sw]|12/);
    expect(isJson(stored)).toBeFalse();
  }
});

test("property: what is valid JSON is the whole input, with or without a mask", () => {
  const mask = Mask.of(["TOKEN"], { TOKEN: "swordfish" });
  fc.assert(
    fc.property(fc.json(), fc.integer({ min: 1, max: 40 }), (text, limit) => {
      for (const stored of [storedInput(text, limit, undefined), storedInput(text, limit, mask)]) {
        if (isJson(stored ?? "")) expect(stored).toBe(text);
        else expect(stored?.endsWith("…")).toBeTrue();
        expect(stored?.length).toBeLessThanOrEqual(Math.max(limit, 1) + 1);
        expect(stored?.isWellFormed()).toBeTrue();
      }
    }),
  );
});

test("the beginning of a text without secrets, however they follow each other", () => {
  const mask = Mask.of(["TOKEN"], { TOKEN: "swordfish" });
  for (let length = 1; length < 200; length++)
    expect(maskedStart("swordfish".repeat(100), length, mask)).toMatch(/^\**$/);
  expect(maskedStart("plain text", 5, undefined)).toBe("plain text");
});
