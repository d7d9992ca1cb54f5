import { expect, test } from "bun:test";
import type { Row, Rows, UpsertOptions } from "../../src/api/context.ts";
import { taskId } from "../../src/protocol/ids.ts";
import type { Cell } from "../../src/protocol/codec/row-batch-format.ts";
import type { RowBatch } from "../../src/protocol/codec/row-batch-reader.ts";
import { type BatchLimits, encodeRows } from "../../src/worker/row-batches.ts";
import { insertTarget, type TargetTable, upsertTarget } from "../../src/worker/target-table.ts";
import { readRows, rowsOf } from "../support/read-rows.ts";

type DecodedBatch = Omit<RowBatch, "cells"> & { readonly rows: readonly (Cell | undefined)[][] };

const id = taskId(7);
const posts = insertTarget(id, "posts");

async function encode(
  rows: Rows,
  target: TargetTable = posts,
  limits?: BatchLimits,
): Promise<DecodedBatch[]> {
  const batches: DecodedBatch[] = [];
  encodeRows(
    rows,
    target,
    (text, count) => {
      const batch = readRows(text);
      expect(batch.rowCount).toBe(count);
      batches.push({ ...batch, rows: rowsOf(batch) });
    },
    limits,
  );
  return batches;
}

const refusal = async (rows: Rows, target?: TargetTable): Promise<string> => {
  try {
    await encode(rows, target);
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  return "accepted";
};

test("rows become one batch with the columns in the order they came", async () => {
  expect(
    await encode([
      { id: 1, title: "a" },
      { id: 2, title: "b" },
    ]),
  ).toMatchObject([
    {
      type: "rows",
      id,
      table: "posts",
      onConflict: { action: "fail" },
      columns: ["id", "title"],
      rows: [
        [1, "a"],
        [2, "b"],
      ],
    },
  ]);
});

test("columns are the union of the rows' keys; a missing or undefined value is absent", async () => {
  const [batch] = await encode([{ a: 1 }, { b: 2, a: 3 }, { c: null }, {}, { a: 4, b: undefined }]);
  expect(batch?.columns).toEqual(["a", "b", "c"]);
  expect(batch?.rows).toEqual([
    [1, undefined, undefined],
    [3, 2, undefined],
    [undefined, undefined, null],
    [undefined, undefined, undefined],
    [4, undefined, undefined],
  ]);
  expect(batch?.groups).toEqual([
    { columns: ["a"], rowCount: 1 },
    { columns: ["a", "b"], rowCount: 1 },
    { columns: ["c"], rowCount: 1 },
    { columns: [], rowCount: 1 },
    { columns: ["a"], rowCount: 1 },
  ]);
});

test.each(["array", "iterable"])("a batch of an %s is not read ahead", async (how) => {
  const rows = [{ a: 1 }, { a: 2 }, { a: 3, late: 9 }];
  const batches = await encode(how === "array" ? rows : new Set(rows), posts, {
    rows: 2,
    chars: 1000,
  });
  expect(batches.map((batch) => batch.groups)).toEqual([
    [{ columns: ["a"], rowCount: 2 }],
    [{ columns: ["a", "late"], rowCount: 1 }],
  ]);
});

test("a batch whose rows all lack the same column is one group", async () => {
  const rows = [{ a: 1, b: 1 }, { a: 2 }, { a: 3, b: undefined }];
  const batches = await encode(rows, posts, { rows: 1, chars: 1000 });
  expect(batches.map((batch) => batch.groups)).toEqual([
    [{ columns: ["a", "b"], rowCount: 1 }],
    [{ columns: ["a"], rowCount: 1 }],
    [{ columns: ["a"], rowCount: 1 }],
  ]);
});

test("batches end at the row limit and at the text limit", async () => {
  const rows = Array.from({ length: 25 }, (_, i) => ({ text: "x".repeat(100), i }));
  const sizes = async (limits: BatchLimits): Promise<number[]> =>
    (await encode(rows, posts, limits)).map((batch) => batch.rows.length);
  expect(await sizes({ rows: 10, chars: 1e6 })).toEqual([10, 10, 5]);
  expect(await sizes({ rows: 1e6, chars: 1080 })).toEqual([10, 10, 5]);
});

const full = (): never => {
  throw new Error("full");
};

test("a generator is closed when the sink fails", () => {
  const closed: string[] = [];
  function* numbers(): Generator<Row> {
    try {
      for (let i = 0; ; i++) yield { i };
    } finally {
      closed.push("closed");
    }
  }
  expect(() => encodeRows(numbers(), posts, full)).toThrow("full");
  expect(closed).toEqual(["closed"]);
});

test("each value becomes what SQLite can store", async () => {
  const row = {
    text: "é\u0000\ud83d\ude00",
    int: 2 ** 53 - 1,
    float: 1e-300,
    yes: true,
    no: false,
    nothing: null,
    missing: undefined,
    big: -(2n ** 63n),
    bytes: new Uint8Array([0, 255, 10]),
    at: new Date(1.5e12),
    list: [1, { a: null }],
    plain: { deep: { er: "x" } },
    minus: -0,
    far: -Infinity,
  };
  const [batch] = await encode([row]);
  expect(batch?.rows[0]).toEqual([
    "é\u0000\ud83d\ude00",
    2 ** 53 - 1,
    1e-300,
    1,
    0,
    null,
    undefined,
    -(2n ** 63n),
    new Uint8Array([0, 255, 10]),
    "2017-07-14T02:40:00.000Z",
    '[1,{"a":null}]',
    '{"deep":{"er":"x"}}',
    -0,
    -Infinity,
  ]);
});

test("the error for a value that cannot be stored names row, column and type", async () => {
  class Invoice {
    total = 1;
  }
  const cells: readonly [unknown, string][] = [
    [new Map(), "rows[1].x is a Map"],
    [new Invoice(), "rows[1].x is an Invoice"],
    [Number.NaN, "rows[1].x is NaN"],
    ["cut \ud83d", "rows[1].x is a string with half of a surrogate pair"],
    ["cut \u001f\ud83d", "rows[1].x is a string with half of a surrogate pair"],
    [() => 1, "rows[1].x is a function"],
    [Symbol("s"), "rows[1].x is a symbol"],
    [new Date(Number.NaN), "rows[1].x is an invalid Date"],
    [2n ** 63n, "rows[1].x is the bigint 9223372036854775808"],
    [new Uint16Array(2), "rows[1].x is a Uint16Array"],
    [{ a: [0, new Date()] }, "rows[1].x.a[1] is a Date"],
    [[Number.NaN], "rows[1].x[0] is NaN"],
  ];
  for (const [x, message] of cells) {
    const rows = [{ a: 0, x: 1 }, { x, y: "after" }, { a: "more" }] as Rows;
    expect(await refusal(rows)).toStartWith(`insert into "posts": ${message}`);
  }
});

test("rows that are not plain objects, and input that is not rows, are refused", async () => {
  const inputs: readonly [unknown, string][] = [
    [[1], "rows[0] is a number"],
    [["a"], "rows[0] is a string"],
    [[null], "rows[0] is null"],
    [[[1, 2]], "rows[0] is an Array"],
    [[new Map()], "rows[0] is a Map"],
    [{ id: 1 }, "the rows are an Object"],
    ["text", "the rows are a string"],
    [undefined, "the rows are undefined"],
  ];
  for (const [input, message] of inputs) {
    expect(await refusal(input as Rows)).toStartWith(`insert into "posts": ${message}`);
  }
});

test("two spellings of one SQLite column, and a flood of columns, are refused", async () => {
  expect(await refusal([{ id: 1 }, { ID: 2 }])).toContain(
    'rows[1] has "ID" and there is "id" already',
  );
  const flood = Array.from({ length: 3000 }, (_, i) => ({ [`c${i}`]: 1 }));
  expect(await refusal(flood)).toContain("more than 2000");
  expect(await refusal([{ "a\0": 1 }])).toContain("rows[0] has a column whose name holds a NUL");
  expect(await refusal([{ "a\ud83d": 1 }])).toContain("holds half of a surrogate pair");
});

test("names that SQLite would take for others are refused: of tables, keys and columns to update", () => {
  for (const name of ["", "a\0b", "cut \ud83d"]) {
    expect(() => insertTarget(id, name)).toThrow("pass the name of a table");
    expect(() => upsertTarget(id, "posts", { key: name })).toThrow("`key` must name the column");
    expect(() => upsertTarget(id, "posts", { key: "id", update: [name] })).toThrow("`update` is");
  }
  expect(() => insertTarget(id, "a\0b")).toThrow("; this one holds a NUL");
});

test("SQLite folds the case of ASCII letters only: other letters make two columns", async () => {
  expect(await refusal([{ Φ: 1, φ: 2, K: 3, "\u212a": 4 }])).toBe("accepted");
});

test("a row of an upsert has its key; null is a value", async () => {
  const byPair = upsertTarget(id, "posts", { key: ["a", "b"] });
  expect(await refusal([{ a: 1, b: 2 }, { a: 1 }], byPair)).toBe(
    'upsert into "posts": rows[1] has no "b", which is in the key',
  );
  expect(await refusal([{ a: 1, b: undefined }], byPair)).toContain('has no "b"');
  expect(await refusal([{ a: 1, b: null }], byPair)).toBe("accepted");
});

test("options of an upsert become its conflict clause", async () => {
  const clause = async (options: UpsertOptions): Promise<unknown> =>
    (await encode([{ a: 1, b: 2 }], upsertTarget(id, "t", options)))[0]?.onConflict;
  expect(await clause({ key: "a" })).toEqual({ action: "update", key: ["a"], update: null });
  expect(await clause({ key: ["a", "a"], update: ["b"] })).toEqual({
    action: "update",
    key: ["a"],
    update: ["b"],
  });
  expect(await clause({ key: "a", update: "nothing" })).toEqual({ action: "nothing", key: ["a"] });
  expect(() => upsertTarget(id, "t", {} as UpsertOptions)).toThrow("`key` must name the column");
  expect(() => upsertTarget(id, "", { key: "a" })).toThrow("pass the name of a table");
  expect(await refusal([{ a: 1 }], upsertTarget(id, "t", { key: "a", update: ["b"] }))).toContain(
    '`update` names "b", which no row has',
  );
});
