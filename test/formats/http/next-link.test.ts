import { expect, test } from "bun:test";
import { nextPage } from "../../../src/formats/http/next-link.ts";

const page = "https://api.example/v1/rows?page=1";

test.each([
  ['<https://api.example/v1/rows?page=2>; rel="next"', "https://api.example/v1/rows?page=2"],
  ["<?page=2>; rel=next", "https://api.example/v1/rows?page=2"],
  ['<?a=1,2;b>; REL="last Next"; title="a, <b>; rel=x"', "https://api.example/v1/rows?a=1,2;b"],
  ['<?page=9>; rel="last", </2>; title="\\"x\\""; rel="next"', "https://api.example/2"],
  ['<?page=2#part>; rel="next"', "https://api.example/v1/rows?page=2"],
  ['<?page=2>; rel="prev"; rel="next"', null],
  ['<?page=2>; rel="next"; anchor="/other"', null],
  ['<?page=2>; rel="nextish"', null],
  ["nonsense", null],
  [null, null],
] as const)("%s", (header, expected) => {
  expect(nextPage(header, page)).toBe(expected);
});

test("a password is kept only for pages of the same origin", () => {
  const own = "https://me:pw@api.example/rows";
  expect(nextPage('</2>; rel="next"', own)).toBe("https://me:pw@api.example/2");
  expect(nextPage('<https://api.example/2>; rel="next"', own)).toBe("https://me:pw@api.example/2");
  for (const other of [
    "https://api.example:444/2",
    "http://api.example/2",
    "https://evil.example/2",
  ])
    expect(nextPage(`<${other}>; rel="next"`, own)).toBe(other);
});

test("only http and https links are followed", () => {
  expect(() => nextPage('<file:///etc/passwd>; rel="next"', page)).toThrow("not http or https");
  expect(() => nextPage('<http://>; rel="next"', page)).toThrow("address is not valid: http://");
});
