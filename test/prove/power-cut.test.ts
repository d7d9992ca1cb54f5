import { describe, expect, test } from "bun:test";

import { cutPower, type Files, filesAfter, type Operation } from "../../src/prove/power-cut.ts";
import { randomOf } from "../crash/random.ts";

const write = (file: string, offset: number, text: string): Operation => ({
  type: "write",
  file,
  offset,
  data: Buffer.from(text),
});
const sync = (file: string): Operation => ({ type: "sync", file });
const unlink = (file: string): Operation => ({ type: "unlink", file });

const textsOf = (files: Files): Record<string, string> =>
  Object.fromEntries([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));

const before = (files: Record<string, string>): Files =>
  new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]));

/** What may be on the disk, as JSON, from a thousand cuts. */
function outcomes(files: Record<string, string>, operations: readonly Operation[]): Set<string> {
  const random = randomOf(1);
  const seen = new Set<string>();
  for (let i = 0; i < 1000; i++) {
    seen.add(JSON.stringify(textsOf(cutPower(before(files), operations, "folder", random))));
  }
  return seen;
}

test("without a power cut, every operation has its effect", () => {
  const operations: Operation[] = [
    write("db", 2, "XY"),
    { type: "truncate", file: "db", size: 3 },
    write("new", 0, "n"),
    unlink("old"),
  ];
  expect(textsOf(filesAfter(before({ db: "abcd", old: "o" }), operations))).toEqual({
    db: "abX",
    new: "n",
  });
});

test("the files before are as they were after it", () => {
  const files = before({ db: "abcd" });
  filesAfter(files, [write("db", 0, "X")]);
  cutPower(files, [write("db", 1, "Y"), sync("db")], "folder", randomOf(1));
  expect(textsOf(files)).toEqual({ db: "abcd" });
});

describe("a power cut", () => {
  test("takes no write that a sync covers, and any that none covers", () => {
    const operations = [write("db", 0, "1"), sync("db"), write("db", 1, "2"), write("db", 2, "3")];
    const seen = outcomes({ db: "abc" }, operations);
    expect([...seen].toSorted()).toEqual(
      ["1bc", "1b3", "12c", "123"].map((db) => JSON.stringify({ db })).toSorted(),
    );
  });

  test("tears a long write at sectors", () => {
    const seen = outcomes({ db: "a".repeat(1024) }, [write("db", 0, "b".repeat(1024))]);
    expect(seen).toContain(JSON.stringify({ db: "a".repeat(512) + "b".repeat(512) }));
    expect(seen.size).toBe(4);
  });

  test("may take a new file's name until the folder is synced, its content synced or not", () => {
    const made = [write("wal", 0, "w"), sync("wal")];
    expect(outcomes({}, made)).toEqual(new Set(["{}", '{"wal":"w"}']));
    expect(outcomes({}, [...made, sync("folder")])).toEqual(new Set(['{"wal":"w"}']));
  });

  test("may bring a removed file back until the folder is synced", () => {
    expect(outcomes({ journal: "j" }, [unlink("journal")])).toEqual(
      new Set(["{}", '{"journal":"j"}']),
    );
    expect(outcomes({ journal: "j" }, [unlink("journal"), sync("folder")])).toEqual(
      new Set(["{}"]),
    );
  });

  test("knows a file from the one that had its name before", () => {
    const operations = [unlink("journal"), write("journal", 0, "new"), sync("journal")];
    const seen = outcomes({ journal: "old" }, operations);
    expect(seen).toEqual(new Set(["{}", '{"journal":"old"}', '{"journal":"new"}']));
    expect(outcomes({ journal: "old" }, [...operations, sync("folder")])).toEqual(
      new Set(['{"journal":"new"}']),
    );
  });
});
