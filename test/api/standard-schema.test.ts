// Params that a schema library checks, as the command line and a program give them.

import { describe, expect, test } from "bun:test";

import * as v from "valibot";
import { z } from "zod";

import { ParamsError, resolveParams, type StandardSchema } from "../../src/api/params.ts";
import { pipeline } from "../../src/index.ts";

type Params = { limit: number; mode: "fast" | "safe"; tags: string[] };

const schemas: readonly [string, StandardSchema<Params>][] = [
  [
    "zod",
    z.object({
      limit: z.number().int().default(100),
      mode: z.enum(["fast", "safe"]).default("safe"),
      tags: z.array(z.string()).default([]),
    }),
  ],
  [
    "valibot",
    v.object({
      limit: v.optional(v.pipe(v.number(), v.integer()), 100),
      mode: v.optional(v.picklist(["fast", "safe"]), "safe"),
      tags: v.optional(v.array(v.string()), []),
    }),
  ],
];

describe.each(schemas)("%s", (_name, schema) => {
  test("fills in its defaults", async () => {
    expect(await resolveParams(schema, {})).toEqual({ limit: 100, mode: "safe", tags: [] });
  });

  test("takes text from a command line for what it is", async () => {
    const given = { limit: "5", mode: "fast", tags: '["a","b"]' };
    expect(await resolveParams(schema, given)).toEqual({
      limit: 5,
      mode: "fast",
      tags: ["a", "b"],
    });
  });

  test("names the parameter that is wrong, and what is allowed", async () => {
    const error = await resolveParams(schema, { mode: "slow" }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ParamsError);
    expect(String(error)).toContain('parameter "mode"');
    expect(String(error)).toContain("fast");
  });
});

describe.each(schemas)("%s, and what it would alter or drop", (_name, schema) => {
  const refusal = (given: Record<string, unknown>): Promise<unknown> =>
    resolveParams(schema, given).then(
      () => "taken",
      (thrown: unknown) => (thrown instanceof ParamsError ? thrown.message : thrown),
    );

  test("an integer that a number does not keep is refused", async () => {
    expect(await refusal({ limit: "9007199254740993" })).toContain(
      'parameter "limit": 9007199254740993 has more digits than a number keeps',
    );
  });

  test("a name that the schema does not read is refused", async () => {
    expect(await refusal({ limti: "5" })).toBe(
      `unknown parameter "limti"; the pipeline's schema does not read it`,
    );
    expect(await refusal({ ["__proto__"]: "5" })).toContain('unknown parameter "__proto__"');
  });
});

test("a parameter that the schema gives another name is read", async () => {
  const schema = z.object({ max: z.number().default(10) }).transform(({ max }) => ({ limit: max }));
  expect(await resolveParams(schema, { max: "10" })).toEqual({ limit: 10 });
});

test("what a schema throws is the parameters' error", async () => {
  const schema = z.object({ a: z.string() }).refine(() => {
    throw new TypeError("x is not a function");
  });
  expect(resolveParams(schema, { a: "1" })).rejects.toThrow(
    "the params schema failed: TypeError: x is not a function",
  );
});

test("a schema's text stays text where it wants text", async () => {
  const schema = z.object({ version: z.string() });
  expect(await resolveParams(schema, { version: "10" })).toEqual({ version: "10" });
});

test("the types follow from the schema", () => {
  const made = pipeline({
    name: "typed-by-zod",
    params: z.object({ limit: z.number() }),
    tasks: ({ params }) => {
      const limit: number = params.limit;
      // @ts-expect-error of another type
      const wrong: string = params.limit;
      return [limit, wrong].map(() => undefined as never);
    },
  });
  expect(made.name).toBe("typed-by-zod");
});
