// `pipeloom examples etl` by the command line, against a scripted server.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Ended, pipeloom, run } from "../support/program.ts";
import { type Answer, head, rawServer, status } from "../support/raw-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const patient = { timeout: 60_000 };

const etl = (folder: TempFolder, url: string, ...flags: string[]): Promise<Ended> => {
  const table = flags.includes("--table") ? [] : ["--table", "t"];
  return run(
    [...pipeloom, "examples", "etl", "--url", url, ...table, ...flags, "--db", "x.db"],
    folder.path,
  );
};

function rows(folder: TempFolder, sql: string): unknown[] {
  using db = new Database(join(folder.path, "x.db"), { readonly: true, safeIntegers: true });
  return db.prepare(sql).values();
}

/** Sends the responses in order; the last one repeats. */
function server(...answers: ((request: Request) => Response)[]): Disposable & { url: string } {
  let asked = 0;
  const bun = Bun.serve({
    port: 0,
    fetch(request) {
      const answer = answers[Math.min(asked++, answers.length - 1)];
      if (answer === undefined) throw new Error("a server without answers");
      return answer(request);
    },
  });
  return { url: `http://127.0.0.1:${bun.port}/`, [Symbol.dispose]: () => void bun.stop(true) };
}

const json =
  (text: string): (() => Response) =>
  () =>
    new Response(text, { headers: { "content-type": "application/json" } });

const lines = (count: number, version: string): string =>
  Array.from({ length: count }, (_, id) => `{"id":${id},"v":"${version}"}\n`).join("");

/** Announces the whole body, but ends after its beginning. */
const endingEarly =
  (body: Buffer, bytes: number): Answer =>
  (socket) => {
    socket.write(head("200 OK", { "content-length": String(body.length) }));
    socket.end(body.subarray(0, bytes));
  };

/** Sends the text and then stalls. */
const unfinished = (text: string): Response =>
  new Response(
    new ReadableStream({
      type: "bytes",
      start(controller) {
        controller.enqueue(Buffer.from(text));
      },
    }),
  );

test(
  "64-bit integers are stored unchanged as keys, in text columns and inside objects",
  async () => {
    using folder = tempFolder();
    using source = server(
      json(
        '[{"id":9007199254740993,"of":{"id":9007199254740993}},{"id":9007199254740992,"of":[]}]',
      ),
    );
    expect((await etl(folder, source.url)).code).toBe(0);
    expect(rows(folder, "SELECT typeof(id), id, of FROM t ORDER BY id")).toEqual([
      ["integer", 9_007_199_254_740_992n, "[]"],
      ["integer", 9_007_199_254_740_993n, '{"id":9007199254740993}'],
    ]);
  },
  patient,
);

test(
  "a second load that would change stored values is refused and changes nothing",
  async () => {
    using folder = tempFolder();
    using made = new Database(join(folder.path, "x.db"));
    made.run("CREATE TABLE t (zip INTEGER UNIQUE, city TEXT)");
    made.run("INSERT INTO t VALUES (2134, 'Vienna')");
    made.close();
    using source = server(json('[{"zip":"90210","city":"a"},{"zip":"02134","city":"Boston"}]'));
    const { code, err } = await etl(folder, source.url, "--key", "zip");
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('[1]: zip is "02134", and the column is INTEGER in the table t'),
    ]);
    expect(rows(folder, "SELECT * FROM t")).toEqual([[2134n, "Vienna"]]);
  },
  patient,
);

test(
  "a null key is refused; without a key, rows are inserted",
  async () => {
    using folder = tempFolder();
    using source = server(json('[{"id":1},{"id":null}]'));
    const { code, err } = await etl(folder, source.url);
    expect([code, err]).toEqual([1, expect.stringContaining("[1]: id is null")]);
    expect((await etl(folder, source.url, "--key", "none")).code).toBe(0);
    expect(rows(folder, "SELECT * FROM t")).toEqual([[1n], [null]]);
  },
  patient,
);

test(
  "a broken transfer is read again, and no row is stored twice",
  async () => {
    using folder = tempFolder();
    const text = Buffer.from(lines(6000, "a"));
    using source = await rawServer(
      endingEarly(text, 70_000),
      endingEarly(text, 100_000),
      status("200 OK", {}, text),
    );
    const { code, err } = await etl(folder, source.url, "--format", "jsonl", "--key", "none");
    expect([code, err]).toEqual([0, expect.stringContaining("trying again")]);
    expect(rows(folder, "SELECT count(*), count(DISTINCT id) FROM t")).toEqual([[6000n, 6000n]]);
  },
  patient,
);

/** Kills a run once rows of it are committed. */
async function killInside(folder: TempFolder, url: string, ...flags: string[]): Promise<void> {
  const child = Bun.spawn(
    [...pipeloom, "examples", "etl", "--url", url, "--table", "t", ...flags, "--db", "x.db"],
    { cwd: folder.path, stdio: ["ignore", "ignore", "ignore"] },
  );
  const isInside = (): boolean => {
    try {
      return rows(folder, "SELECT 1 FROM task_runs WHERE cursor IS NOT NULL").length > 0;
    } catch {
      return false;
    }
  };
  while (child.exitCode === null && !isInside()) await Bun.sleep(5);
  child.kill("SIGKILL");
  await child.exited;
}

const committed = 60_000;

test.each([
  ["the same", "old", committed + 5, [], 0, "", [["old", BigInt(committed + 5)]]],
  [
    "changed",
    "new",
    committed + 5,
    [],
    0,
    "the data has changed since",
    [["new", BigInt(committed + 5)]],
  ],
  ["shorter", "old", 5, [], 0, "the data has changed since", [["old", 50_000n]]],
] as const)(
  "a killed run continues when the address returns %s",
  async (_, version, count, flags, code, says, expected) => {
    using folder = tempFolder();
    using source = server(
      () => unfinished(lines(committed, "old")),
      () => new Response(lines(count, version)),
    );
    const all = ["--format", "jsonl", ...flags];
    await killInside(folder, source.url, ...all);
    const ended = await etl(folder, source.url, ...all);
    expect([ended.code, ended.err]).toEqual([code, expect.stringContaining(says)]);
    expect(rows(folder, "SELECT v, count(*) FROM t GROUP BY v")).toEqual([...expected]);
  },
  patient,
);

test(
  "without a key, a source that changed between crash and resume is refused",
  async () => {
    using folder = tempFolder();
    using source = server(
      () => unfinished(lines(committed, "old")),
      () => new Response(lines(committed, "new")),
    );
    const flags = ["--format", "jsonl", "--key", "none"];
    await killInside(folder, source.url, ...flags);
    const { code, err } = await etl(folder, source.url, ...flags);
    expect([code, err]).toEqual([
      1,
      expect.stringContaining("and without a key the stored rows cannot be updated"),
    ]);
    expect(rows(folder, "SELECT DISTINCT v FROM t")).toEqual([["old"]]);
  },
  patient,
);

test(
  "a selected column that no row has is reported, and one that a row lacks keeps its value",
  async () => {
    using folder = tempFolder();
    using source = server(json('[{"id":1,"a":1,"b":2}]'), json('[{"id":1,"a":3}]'));
    expect((await etl(folder, source.url, "--select", "id,a,b")).code).toBe(0);
    const { err } = await etl(folder, source.url, "--select", "id,a,b", "--fresh");
    expect(err).toContain("no row has b, which --select names");
    expect(rows(folder, "SELECT * FROM t")).toEqual([[1n, 3n, 2n]]);
  },
  patient,
);

test.each(["task_runs", "Pipeloom_schema", "sqlite_sequence"])(
  "%s is no table for rows",
  async (table) => {
    using folder = tempFolder();
    using source = server(json('[{"id":1}]'));
    const { code, err } = await etl(folder, source.url, "--table", table, "--key", "none");
    expect([code, err]).toEqual([2, expect.stringContaining("choose another name with --table")]);
  },
  patient,
);

test(
  "a row that is nearly as large as a unit, after other rows",
  async () => {
    using folder = tempFolder();
    // Together they exceed the size of a unit.
    const sizes = [...Array.from({ length: 15 }, () => 1_000_000), 55_000_000];
    const records = sizes.map((size, id) => `{"id":${id},"v":"${"x".repeat(size)}"}\n`);
    using source = server(() => new Response(records.join("")));
    const { code, err } = await etl(folder, source.url, "--format", "jsonl");
    expect([code, err]).toEqual([0, expect.any(String)]);
    expect(rows(folder, "SELECT count(*), sum(length(v)) FROM t")).toEqual([[16n, 70_000_000n]]);
  },
  patient,
);

test.each(["id", "none"])(
  "if a source changes while it is read, all rows are of the later version (key: %s)",
  async (key) => {
    using folder = tempFolder();
    const [before, after] = [Buffer.from(lines(6000, "a")), Buffer.from(lines(5000, "b"))];
    using source = await rawServer(endingEarly(before, 100_000), status("200 OK", {}, after));
    const { code } = await etl(folder, source.url, "--format", "jsonl", "--key", key);
    expect(code).toBe(0);
    expect(rows(folder, "SELECT v, count(*) FROM t GROUP BY v")).toEqual([["b", 5000n]]);
  },
  patient,
);
