// Patterns of files.

import { expect, test } from "bun:test";

import { globOf, isFilePattern } from "../../src/base/file-pattern.ts";

test("on Windows a backslash separates folders, elsewhere it escapes", () => {
  expect(globOf("data\\*.csv", "win32").match("data/a.csv")).toBeTrue();
  expect(globOf("data\\*.csv", "linux").match("data/a.csv")).toBeFalse();
  expect(globOf("data/*.csv", "win32").match("data/a.csv")).toBeTrue();
  expect(isFilePattern("data\\*.csv")).toBeTrue();
  expect(isFilePattern("data.csv")).toBeFalse();
});
