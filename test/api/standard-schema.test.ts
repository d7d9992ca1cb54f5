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
