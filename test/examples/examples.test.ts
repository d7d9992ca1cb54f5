// `pipeloom examples …` by the command line. CSV is compared with the import of the sqlite3 program.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Ended, pipeloom, run } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const examples = (folder: string, ...args: string[]): Promise<Ended> =>
  run([...pipeloom, "examples", ...args, "--db", "x.db"], folder);

function rows(folder: string, sql: string): unknown[] {
  using db = new Database(join(folder, "x.db"), { readonly: true });
  return db.prepare(sql).values();
}

const patient = { timeout: 60_000 };

test.each([
  ["csv", [], "SELECT count(*), sum(id) FROM items", [[3000, 4_501_500]]],
  ["etl", [], "SELECT count(*), sum(id), max(tags) FROM posts", [[300, 45_150, "[]"]]],
  ["download", [], "SELECT count(*), sum(bytes) FROM manifest", [[3, 792_432]]],
  [
    "file-writer",
    ["--count", "2", "--size", "64k"],
    "SELECT count(*), sum(bytes) FROM files",
    [[2, 131_072]],
  ],
] as const)(
  "%s runs without anything, twice alike",
  async (name, flags, sql, expected) => {
    using folder = tempFolder();
    for (let i = 0; i < 2; i++) {
      const { code, err } = await examples(folder.path, name, ...flags);
      expect([code, err]).toEqual([0, expect.not.stringContaining("failed")]);
      expect(rows(folder.path, sql)).toEqual([...expected]);
    }
  },
  patient,
);

test("a flag of another example is wrong usage", async () => {
  using folder = tempFolder();
  const { code, err } = await examples(folder.path, "csv", "--size", "1k");
  expect(code).toBe(2);
  expect(err).toContain("--size is not for csv");
  expect(readdirSync(folder.path)).toEqual([]);
});

test(
  "for rows with the same key in two files, the later file wins for any number of threads",
  async () => {
    using folder = tempFolder();
    // The first file takes longer: loaded in parallel, the second would finish first.
    const many = Array.from({ length: 200_000 }, (_, i) => `${i + 2},x`).join("\n");
    writeFileSync(join(folder.path, "a.csv"), `id,v\n${many}\n1,first\n`);
    writeFileSync(join(folder.path, "b.csv"), "id,v\n1,second\n");
    const flags = ["--dir", ".", "--table", "t", "--key", "id", "-w", "2"];
    expect((await examples(folder.path, "csv", ...flags)).code).toBe(0);
    expect(rows(folder.path, "SELECT v FROM t WHERE id = 1")).toEqual([["second"]]);
  },
  patient,
);

const awkward = [
  "id,name,zip,price,version,note,empty",
  '1,"Smith, J.",01234,1.5,1.10,"said ""hi""",',
  '2,Ünal,98765,,1.9,"two',
  'lines",',
  "3,,00501,-3,1e3,x,",
  "10,last,1,0.25,2,,",
  "",
].join("\r\n");

test(
  "the same rows as the import of sqlite3, in a new table",
  async () => {
    using folder = tempFolder();
    writeFileSync(join(folder.path, "a.csv"), awkward);
    const { code } = await examples(
      folder.path,
      "csv",
      "--dir",
      "a.csv",
      "--table",
      "t",
      "--key",
      "id",
    );
    expect(code).toBe(0);
    const made = String(
      rows(folder.path, "SELECT sql FROM sqlite_schema WHERE name = 't'").flat()[0],
    );
    expect(made).toBe(
      'CREATE TABLE "t" ("id" INTEGER PRIMARY KEY, "name" TEXT, "zip" TEXT, "price" REAL, "version" TEXT, "note" TEXT, "empty" TEXT)',
    );
    const imported = await run(
      [
        "sqlite3",
        "y.db",
        made,
        ".import --csv --skip 1 a.csv t",
        ".mode json",
        "SELECT * FROM t ORDER BY id",
      ],
      folder.path,
    );
    // sqlite3 imports an empty number as empty text, and keeps carriage returns inside fields.
    const theirs = (JSON.parse(imported.out) as { price: unknown }[]).map((row) => ({
      ...row,
      price: row.price === "" ? null : row.price,
    }));
    using db = new Database(join(folder.path, "x.db"), { readonly: true });
    expect(db.prepare("SELECT * FROM t ORDER BY id").all()).toEqual(theirs);
  },
  patient,
);

test(
  "several files: one table for all, bad rows counted, an empty file skipped",
  async () => {
    using folder = tempFolder();
    writeFileSync(join(folder.path, "a.csv"), "id,v\n1,5\n2\n3,7\n");
    writeFileSync(join(folder.path, "b.tsv"), "id\tv\textra\n4\tx\ty\n");
    writeFileSync(join(folder.path, "c.csv"), "");
    const flags = ["csv", "--dir", ".", "--table", "t", "--key", "id"];
    const failed = await examples(folder.path, ...flags);
    expect(failed.code).toBe(1);
    expect(failed.err).toContain("a.csv, line 3: 1 field, not 2");
    const { code, err } = await examples(folder.path, ...flags, "--skip-bad-rows", "--fresh");
    expect([code, err]).toEqual([
      0,
      expect.stringContaining("3 rows from 2 files, 1 bad row skipped"),
    ]);
    expect(rows(folder.path, "SELECT * FROM t ORDER BY id")).toEqual([
      [1, "5", null],
      [3, "7", null],
      [4, "x", "y"],
    ]);
  },
  patient,
);

test(
  "an existing table keeps its types, and text is stored unchanged",
  async () => {
    using folder = tempFolder();
    using made = new Database(join(folder.path, "x.db"));
    made.run("CREATE TABLE t (id INTEGER PRIMARY KEY, price TEXT)");
    made.close();
    writeFileSync(join(folder.path, "a.csv"), "id,price\n1,1.50\n2,007\n");
    const { code } = await examples(
      folder.path,
      "csv",
      "--dir",
      "a.csv",
      "--table",
      "t",
      "--key",
      "id",
    );
    expect(code).toBe(0);
    expect(rows(folder.path, "SELECT * FROM t")).toEqual([
      [1, "1.50"],
      [2, "007"],
    ]);
  },
  patient,
);

test(
  "a second load changes no stored value",
  async () => {
    using folder = tempFolder();
    const path = join(folder.path, "a.csv");
    const load = (...flags: string[]): Promise<Ended> =>
      examples(folder.path, "csv", "--dir", "a.csv", "--table", "t", "--key", "zip", ...flags);
    writeFileSync(path, "zip,city\n90210,Beverly Hills\n2134,Vienna\n");
    expect((await load()).code).toBe(0);
    writeFileSync(path, "zip,city\n02134,Boston\n");
    const refused = await load();
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining('"02134" (a.csv, line 2) would be changed by the column "zip"'),
    ]);
    const contradicted = await load("--types", "zip=text");
    expect([contradicted.code, contradicted.err]).toEqual([
      1,
      expect.stringContaining('--types says text for "zip", but in the table "t" it is INTEGER'),
    ]);
    writeFileSync(path, "ZIP,City\n90210,Elsewhere\n5,Five\n");
    expect((await load()).code).toBe(0);
    expect(rows(folder.path, "SELECT * FROM t ORDER BY zip")).toEqual([
      [5, "Five"],
      [2134, "Vienna"],
      [90210, "Elsewhere"],
    ]);
  },
  patient,
);

test(
  "in a folder, links are followed, each file is read once, and skipped files are reported",
  async () => {
    using folder = tempFolder();
    const data = join(folder.path, "data");
    mkdirSync(data);
    writeFileSync(join(folder.path, "elsewhere.csv"), "ID,n\n1,a\n");
    symlinkSync("../elsewhere.csv", join(data, "a.csv"));
    symlinkSync("a.csv", join(data, "latest.csv"));
    symlinkSync("nowhere", join(data, "lost.csv"));
    writeFileSync(join(data, "b.csv.gz"), gzipSync("id,n\n2,b\n"));
    copyFileSync(join(data, "b.csv.gz"), join(data, "b.csv.zip"));
    writeFileSync(join(data, "README.txt"), "About these data, by the office\n");
    writeFileSync(join(data, ".a.csv.swp"), "not for anybody");
    const { code, err } = await examples(folder.path, "csv", "--dir", "data");
    expect(code).toBe(0);
    for (const said of [
      "latest.csv is skipped: it is the same file as a.csv",
      "lost.csv is skipped: it is a link to a missing file",
      "b.csv.zip is skipped: its name does not end in .csv",
      "README.txt is skipped: its name says",
      "b.csv.gz: decompressed (gzip)",
    ]) {
      expect(err).toContain(said);
    }
    expect(rows(folder.path, "SELECT ID, n FROM items ORDER BY n")).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
  },
  patient,
);

test(
  "an ambiguous quote stops the run; --quote none reads it as a plain character",
  async () => {
    using folder = tempFolder();
    writeFileSync(
      join(folder.path, "a.tsv"),
      'id\ttitle\n1\t"Wind it" captain\n2\tx\n3\t"Ours" and\n',
    );
    const flags = ["csv", "--dir", "a.tsv", "--table", "t", "--key", "id"];
    const refused = await examples(folder.path, ...flags);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining(
        "a.tsv, line 2: text after the closing quote of a field (--quote none",
      ),
    ]);
    expect((await examples(folder.path, ...flags, "--quote", "none")).code).toBe(0);
    expect(rows(folder.path, "SELECT * FROM t ORDER BY id")).toEqual([
      [1, '"Wind it" captain'],
      [2, "x"],
      [3, '"Ours" and'],
    ]);
  },
  patient,
);

test(
  "the first of many bad rows are logged, and all are counted",
  async () => {
    using folder = tempFolder();
    writeFileSync(join(folder.path, "a.csv"), `id,v\n1,x\n${"2\n".repeat(150)}3,y\n`);
    const { code, err } = await examples(folder.path, "csv", "--dir", "a.csv", "--skip-bad-rows");
    expect(code).toBe(0);
    expect(err.match(/skipped: 1 field, not 2/g)?.length).toBe(100);
    expect(err).toContain("a.csv: 50 other bad rows skipped");
    expect(err).toContain("2 rows from 1 file, 150 bad rows skipped");
  },
  patient,
);

test(
  "more two-byte rows than fit into a unit",
  async () => {
    using folder = tempFolder();
    writeFileSync(join(folder.path, "a.csv"), `n\n${"1\n".repeat(1_500_000)}`);
    const { code } = await examples(folder.path, "csv", "--dir", "a.csv");
    expect(code).toBe(0);
    expect(rows(folder.path, "SELECT count(*), sum(n) FROM items")).toEqual([
      [1_500_000, 1_500_000],
    ]);
  },
  patient,
);

test(
  "an ANY column stores fields unchanged in a STRICT table; in other tables it is numeric",
  async () => {
    using folder = tempFolder();
    const db = new Database(join(folder.path, "x.db"));
    db.run("CREATE TABLE strict (zip ANY PRIMARY KEY, n any) STRICT");
    db.run("CREATE TABLE loose (zip ANY PRIMARY KEY, n ANY)");
    db.close();
    writeFileSync(join(folder.path, "a.csv"), "zip,n\n007,1.50\n08,2\n");
    const load = (table: string): Promise<Ended> =>
      examples(folder.path, "csv", "--dir", "a.csv", "--table", table, "--key", "zip");
    expect((await load("strict")).code).toBe(0);
    expect(rows(folder.path, "SELECT * FROM strict ORDER BY zip")).toEqual([
      ["007", "1.50"],
      ["08", "2"],
    ]);
    expect((await load("strict")).code).toBe(0);
    expect(rows(folder.path, "SELECT count(*) FROM strict")).toEqual([[2]]);
    expect((await load("loose")).err).toContain('"007" (a.csv, line 2) would be changed');
  },
  patient,
);

test(
  "more columns than SQLite allows",
  async () => {
    using folder = tempFolder();
    const names = Array.from({ length: 2001 }, (_, i) => `c${i}`);
    writeFileSync(join(folder.path, "a.csv"), `${names.join(",")}\n`);
    const wide = await examples(folder.path, "csv", "--dir", "a.csv");
    expect(wide.code).toBe(1);
    expect(wide.err).toContain("would have 2001 columns, but SQLite allows at most 2000");
    writeFileSync(join(folder.path, "a.csv"), `${names.slice(1).join(",")}\n`);
    expect((await examples(folder.path, "csv", "--dir", "a.csv")).code).toBe(0);
  },
  patient,
);

test(
  "etl from a server: JSON Lines, selected columns, columns that appear later",
  async () => {
    using folder = tempFolder();
    const lines = Array.from({ length: 2500 }, (_, i) =>
      JSON.stringify({ id: i, user: { name: `u${i}` }, ...(i > 2000 ? { late: i } : {}) }),
    );
    using server = Bun.serve({ port: 0, fetch: () => new Response(lines.join("\n")) });
    const url = `http://127.0.0.1:${server.port}/rows.jsonl`;
    const all = await examples(folder.path, "etl", "--url", url, "--table", "a");
    expect(all.code).toBe(0);
    expect(rows(folder.path, "SELECT count(*), count(late), max(user) FROM a")).toEqual([
      [2500, 499, '{"name":"u999"}'],
    ]);
    const some = await examples(
      folder.path,
      "etl",
      "--url",
      url,
      "--table",
      "b",
      "--select",
      "id,who=user.name",
    );
    expect(some.code).toBe(0);
    expect(rows(folder.path, "SELECT * FROM b WHERE id = 7")).toEqual([[7, "u7"]]);
  },
  patient,
);

test(
  "download from a list, with checksums",
  async () => {
    using folder = tempFolder();
    using server = Bun.serve({ port: 0, fetch: () => new Response("content") });
    const address = `http://127.0.0.1:${server.port}`;
    const sha256 = new Bun.CryptoHasher("sha256").update("content").digest("hex");
    writeFileSync(
      join(folder.path, "urls.txt"),
      `# files\n${address}/a.txt ${sha256}\n${address}/..%2f..%2fa.txt\n${address}/bad.txt ${"0".repeat(64)}\n`,
    );
    const { code, err } = await examples(
      folder.path,
      "download",
      "--list",
      "urls.txt",
      "--out",
      "out",
    );
    expect([code, err]).toEqual([1, expect.stringContaining(`its SHA-256 is ${sha256}`)]);
    expect(readdirSync(join(folder.path, "out")).toSorted()).toEqual(["_.._a.txt", "a.txt"]);
    expect(readFileSync(join(folder.path, "out", "a.txt"), "utf8")).toBe("content");
    expect(rows(folder.path, "SELECT file, bytes FROM manifest ORDER BY file")).toEqual([
      ["_.._a.txt", 7],
      ["a.txt", 7],
    ]);
  },
  patient,
);

/** Kills a run once a checkpoint of its file is committed. */
async function killInside(folder: string, flags: readonly string[]): Promise<void> {
  const child = Bun.spawn([...pipeloom, "examples", ...flags, "--db", "x.db"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "ignore"],
  });
  const isInside = (): boolean => {
    try {
      const sql = "SELECT 1 FROM task_runs WHERE cursor IS NOT NULL AND status = 'running'";
      return rows(folder, sql).length > 0;
    } catch {
      return false;
    }
  };
  while (child.exitCode === null && !isInside()) await Bun.sleep(5);
  child.kill("SIGKILL");
  await child.exited;
}

test(
  "a run that is killed inside a file resumes there, and no row is stored twice",
  async () => {
    using folder = tempFolder();
    const count = 400_000;
    const lines = Array.from({ length: count }, (_, i) => `${i},name ${i},"a\n${i}"`);
    writeFileSync(join(folder.path, "a.csv"), `id,name,note\n${lines.join("\n")}\n`);
    // Without a key, so that a row stored twice is visible.
    const flags = ["csv", "--dir", "a.csv", "--table", "t"];
    await killInside(folder.path, flags);
    const { code } = await examples(folder.path, ...flags);
    expect(code).toBe(0);
    const sql =
      "SELECT count(*), count(DISTINCT id), sum(id), sum(note = 'a' || char(10) || id) FROM t";
    expect(rows(folder.path, sql)).toEqual([[count, count, (count * (count - 1)) / 2, count]]);
    expect(rows(folder.path, "SELECT count(*), max(status) FROM pipeline_runs")).toEqual([
      [1, "done"],
    ]);
  },
  patient,
);

test(
  "a run that resumes in a rewritten file fails and reports the stored rows",
  async () => {
    using folder = tempFolder();
    const path = join(folder.path, "a.csv");
    const write = (tag: string): void => {
      const lines = Array.from({ length: 400_000 }, (_, i) => `${i},${tag}`);
      writeFileSync(path, `id,tag\n${lines.join("\n")}\n`);
    };
    write("old");
    const flags = ["csv", "--dir", "a.csv", "--table", "t"];
    await killInside(folder.path, flags);
    write("NEW");
    const { code, err } = await examples(folder.path, ...flags);
    expect(code).toBe(1);
    expect(err).toMatch(
      /a\.csv: the file has changed since it was inspected; [0-9]+ rows of its earlier contents are in the table "t"/,
    );
    expect(rows(folder.path, "SELECT count(*) FROM t WHERE tag = 'NEW'")).toEqual([[0]]);
  },
  patient,
);

test(
  "a run that resumes in a file with appended lines loads the original lines and warns",
  async () => {
    using folder = tempFolder();
    const path = join(folder.path, "a.csv");
    const lines = Array.from({ length: 400_000 }, (_, i) => `${i},x`);
    writeFileSync(path, `id,tag\n${lines.join("\n")}\n`);
    const flags = ["csv", "--dir", "a.csv", "--table", "t"];
    await killInside(folder.path, flags);
    appendFileSync(path, "400000,later\n");
    const { code, err } = await examples(folder.path, ...flags);
    expect([code, err]).toEqual([0, expect.stringContaining("a.csv: the file has grown since")]);
    expect(rows(folder.path, "SELECT count(*), count(DISTINCT id) FROM t")).toEqual([
      [400_000, 400_000],
    ]);
  },
  patient,
);
