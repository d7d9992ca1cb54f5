// What is typed into the form of a run, as params.

import { expect, test } from "bun:test";

import { readForm, textOf } from "../../../src/page/app/actions/form-values.ts";
import type { FormField } from "../../../src/page/contract-actions.ts";

const field = (name: string, rest: Partial<FormField>): FormField => ({
  name,
  kind: "text",
  choices: [],
  fallback: null,
  isRequired: false,
  isSecret: false,
  description: null,
  ...rest,
});

const fields = [
  field("limit", { kind: "number", fallback: "3" }),
  field("name", { fallback: '"a"' }),
  field("deep", { kind: "json", fallback: "[1]" }),
  field("isOn", { kind: "boolean", fallback: "false" }),
  field("mode", { kind: "choice", choices: ["1", 1], isRequired: true }),
  field("token", { isSecret: true }),
  field("when", { kind: "any" }),
];

test("what is as the default is not given: the default may be another one when it runs", () => {
  const typed = { limit: "3", name: "a", deep: "[1]", isOn: "false", mode: '"1"', token: "" };
  expect(readForm(fields, typed)).toEqual({ params: { mode: '"1"' }, problems: {} });
});

test("values have the types of their fields", () => {
  const typed = { limit: "4.5", name: "", deep: '{"a":1}', isOn: "true", mode: "1", when: "12" };
  expect(readForm(fields, typed).params).toEqual({
    limit: "4.5",
    name: '""',
    deep: '{"a":1}',
    isOn: "true",
    mode: "1",
    when: '"12"',
  });
  // Only the pipeline can say that a number has too many digits.
  expect(readForm(fields, { limit: "12345678901234567890", mode: "1" }).params["limit"]).toBe(
    '"12345678901234567890"',
  );
});

test("JSON is given as it was typed: parsed, it would lose digits and keys", () => {
  const deep = '[9007199254740993, {"a": 1, "a": 2}]';
  expect(readForm(fields, { deep, mode: "1" }).params["deep"]).toBe(deep);
});

test("what a run has used is given again as it was, also null or a number in a field for text", () => {
  const used = { name: null, when: 5, limit: 3, mode: 1, other: 1 };
  const typed = { name: "null", when: "5", limit: "3", mode: "1" };
  expect(readForm(fields, typed, used).params).toEqual({ name: "null", when: "5", mode: "1" });
  const changed = { ...typed, name: "b", when: "6" };
  expect(readForm(fields, changed, used).params).toMatchObject({ name: '"b"', when: '"6"' });
});

test("what is wrong is told by the name of the field", () => {
  expect(readForm(fields, { limit: "0x10" }).problems).toEqual({
    limit: "must be a number",
    mode: "is needed",
  });
});

test("a value is shown as it is typed", () => {
  expect(textOf(field("a", {}), '"x y"')).toBe("x y");
  expect(textOf(field("a", { kind: "any" }), "5")).toBe("5");
  expect(textOf(field("a", { kind: "choice" }), '"5"')).toBe('"5"');
});
