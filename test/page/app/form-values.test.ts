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
  expect(readForm(fields, typed)).toEqual({ params: { mode: "1" }, problems: {} });
});

test("values have the types of their fields", () => {
  const typed = { limit: "4.5", name: "", deep: '{"a":1}', isOn: "true", mode: "1", when: "12" };
  expect(readForm(fields, typed).params).toEqual({
    limit: 4.5,
    name: "",
    deep: { a: 1 },
    isOn: true,
    mode: 1,
    when: "12",
  });
  // Only the pipeline can say that a number has too many digits.
  expect(readForm(fields, { limit: "12345678901234567890", mode: "1" }).params["limit"]).toBe(
    "12345678901234567890",
  );
});

test("what is wrong is told by the name of the field", () => {
  expect(readForm(fields, { limit: "0x10", deep: "[1" }).problems).toEqual({
    limit: "must be a number",
    deep: 'must be JSON, such as [1, 2] or {"a": 1}',
    mode: "is needed",
  });
});

test("a value is shown as it is typed", () => {
  expect(textOf(field("a", {}), '"x y"')).toBe("x y");
  expect(textOf(field("a", { kind: "any" }), "5")).toBe("5");
  expect(textOf(field("a", { kind: "choice" }), '"5"')).toBe('"5"');
});
