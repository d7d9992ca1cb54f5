import { describe, expect, test } from "bun:test";
import {
  isStandardSchema,
  ParamsError,
  resolveParams,
  type StandardSchema,
} from "../../src/api/params.ts";

const defaults = { limit: 100, name: "x", deep: true, tags: ["a"], at: { x: 1 }, any: null };

async function refusal(spec: Parameters<typeof resolveParams>[0], given: object): Promise<string> {
  try {
    await resolveParams(spec, { ...given });
  } catch (error) {
    if (error instanceof ParamsError) return error.message;
    throw error;
  }
  throw new Error("the params were taken");
}

describe("over defaults", () => {
  test("nothing given: the defaults", async () => {
    expect(await resolveParams(defaults, {})).toEqual(defaults);
    expect(await resolveParams(undefined, {})).toEqual({});
  });

  test.each<[name: string, text: unknown, value: unknown]>([
    ["limit", "5", 5],
    ["limit", "1e3", 1000],
    ["limit", " -2.5 ", -2.5],
    ["limit", 7, 7],
    ["name", "", ""],
    ["name", "5", "5"],
    ["deep", "false", false],
    ["deep", "0", false],
    ["deep", "no", false],
    ["deep", "yes", true],
    ["deep", "TRUE", true],
    ["deep", "off", false],
    ["limit", "9007199254740992", 9007199254740992],
    ["deep", true, true],
    ["tags", '["b","c"]', ["b", "c"]],
    ["tags", [1], [1]],
    ["at", '{"y":2}', { y: 2 }],
    ["any", "5", "5"],
    ["any", [1], [1]],
  ])("%s=%j is %j", async (name, text, value) => {
    expect(await resolveParams(defaults, { [name]: text })).toEqual({ ...defaults, [name]: value });
  });

  test.each<[name: string, text: unknown, message: string]>([
    ["limit", "many", 'parameter "limit" must be a number, not "many"'],
    ["limit", "", 'parameter "limit" must be a number, not ""'],
    ["limit", "NaN", 'parameter "limit" must be a number, not "NaN"'],
    ["limit", "Infinity", 'parameter "limit" must be a number, not "Infinity"'],
    ["limit", true, 'parameter "limit" must be a number, not true'],
    ["limit", "0x10", 'parameter "limit" must be a number, not "0x10"'],
    ["limit", "1_000", 'parameter "limit" must be a number, not "1_000"'],
    ["limit", "1,5", 'parameter "limit" must be a number, not "1,5"'],
    ["limit", "١", 'parameter "limit" must be a number, not "١"'],
    [
      "limit",
      "9007199254740993",
      'parameter "limit": 9007199254740993 has more digits than a number keeps (it would become 9007199254740992); declare it as text in the pipeline\'s params to pass it as text',
    ],
    [
      "tags",
      "[0.12345678901234567890]",
      'parameter "tags" (tags[0]): 0.12345678901234567890 has more digits than a number keeps (it would become 0.12345678901234568); put it in quotes: pass it as text',
    ],
    ["at", '{"x":1,"x":2}', 'parameter "at" (at.x): is given twice; keep one of them'],
    ["name", 5, 'parameter "name" must be text, not 5'],
    ["deep", "maybe", 'parameter "deep" must be true or false, not "maybe"'],
    ["tags", "a,b", 'parameter "tags" must be a list as JSON text such as [1,2], not "a,b"'],
    ["tags", "{}", 'parameter "tags" must be a list as JSON text such as [1,2], not "{}"'],
    ["at", "[]", 'parameter "at" must be an object as JSON text such as {"a":1}, not "[]"'],
    ["at", "null", 'parameter "at" must be an object as JSON text such as {"a":1}, not "null"'],
  ])("%s=%j is refused", async (name, text, message) => {
    expect(await refusal(defaults, { [name]: text })).toBe(message);
  });

  test("an unknown one names those there are", async () => {
    expect(await refusal({ limit: 1, name: "" }, { limti: "5" })).toMatch(
      /^unknown parameter "limti";.*limit/,
    );
    expect(await refusal(undefined, { limit: "5" })).toContain("this pipeline has no parameters");
  });

  test.each(["__proto__", "constructor", "toString"])("%s is unknown like any other", async (n) => {
    const given: unknown = JSON.parse(`{"${n}":"5"}`);
    expect(await refusal(defaults, given as object)).toContain(`unknown parameter "${n}"`);
  });

  test("a default that is no JSON value is named", async () => {
    expect(await refusal({ at: new Date(0) }, {})).toBe(
      "params.at is a Date; params must be JSON values",
    );
  });
});

/** Written by hand, as zod, valibot and arktype have it. */
const schema = (
  validate: StandardSchema<unknown>["~standard"]["validate"],
): StandardSchema<unknown> => ({ "~standard": { version: 1, vendor: "test", validate } });

const limitIsNumber = schema((value) => {
  const limit: unknown = (value as { limit?: unknown }).limit ?? 10;
  return typeof limit === "number"
    ? { value: { limit } }
    : { issues: [{ message: "expected a number", path: ["limit"] }] };
});

describe("with a Standard Schema", () => {
  test("its defaults, and what it makes of what is given", async () => {
    expect(await resolveParams(limitIsNumber, {})).toEqual({ limit: 10 });
    expect(await resolveParams(limitIsNumber, { limit: 3 })).toEqual({ limit: 3 });
  });

  test("text is taken as JSON where the schema refuses it as text", async () => {
    expect(await resolveParams(limitIsNumber, { limit: "3" })).toEqual({ limit: 3 });
  });

  test("text that the schema takes stays text", async () => {
    const asIs = schema((value) => ({ value }));
    expect(await resolveParams(asIs, { limit: "3" })).toEqual({ limit: "3" });
  });

  test("issues name the parameter, each on its line", async () => {
    const both = schema(() => ({
      issues: [
        { message: "too small", path: [{ key: "limit" }] },
        { message: "missing", path: ["at", 0] },
        { message: "wrong as a whole" },
      ],
    }));
    expect(await refusal(both, { limit: "x" })).toBe(
      'parameter "limit": too small\nparameter "at.0": missing\nwrong as a whole',
    );
  });

  test("one that answers later", async () => {
    const later = schema(async (value) => ({ value }));
    expect(await resolveParams(later, { a: 1 })).toEqual({ a: 1 });
  });

  test("what it yields must be an object of JSON values", async () => {
    expect(
      await refusal(
        schema(() => ({ value: 3 })),
        {},
      ),
    ).toBe("the params schema must yield an object");
    const date = schema(() => ({ value: { at: new Date(0) } }));
    expect(await refusal(date, {})).toBe("params.at is a Date; params must be JSON values");
  });

  test("a schema may be a function, as arktype's are", () => {
    expect(
      isStandardSchema(
        Object.assign(
          () => 0,
          schema(() => ({ value: {} })),
        ),
      ),
    ).toBe(true);
    expect(isStandardSchema({ limit: 1 })).toBe(false);
    expect(isStandardSchema(null)).toBe(false);
  });
});
