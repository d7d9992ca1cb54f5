// Writes files of a given size, syncs them and reads them back: a test of disks, and of pipeloom.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { pipeline, task } from "pipeloom";

import { parseSize } from "./files/size.ts";
import { isOwnFile, writeAndVerify } from "./files/write-file.ts";

type Wanted = { out: string; name: string; size: number; seed: number; overwrite: boolean };

const write = task({
  name: "write",
  async run({ out, name, size, seed, overwrite }: Wanted, ctx) {
    await mkdir(out, { recursive: true });
    const path = join(out, name);
    if (!overwrite && !(await isOwnFile(path, seed))) {
      throw new Error(
        `${path}: a file of this name exists, and pipeloom did not write it; move it away, choose another --out, or replace it with --overwrite`,
      );
    }
    const { bytes, sha256, writeMs, readMs } = await writeAndVerify(path, size, seed, (done) => {
      ctx.signal.throwIfAborted();
      ctx.progress(done, 2 * size, done <= size ? "writing" : "reading");
    });
    const perSecond = (ms: number): number => Math.round(bytes / 1e3 / Math.max(ms, 0.001)) / 1e3;
    await ctx.upsert(
      "files",
      [{ file: name, bytes, sha256, write_mb_s: perSecond(writeMs), read_mb_s: perSecond(readMs) }],
      { key: "file" },
    );
  },
});

export default pipeline({
  name: "file-writer",
  params: {
    count: 8,
    /** Size of each file: `64k`, `16MB`, `1GB`. */
    size: "16MB",
    out: join("pipeloom-data", "files"),
    /** Replaces existing files that pipeloom did not write. */
    overwrite: false,
  },
  schema: `CREATE TABLE IF NOT EXISTS files (
    file TEXT PRIMARY KEY, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, write_mb_s REAL, read_mb_s REAL
  )`,
  *tasks({ params }) {
    const { count, out, overwrite } = params;
    const size = parseSize(params.size);
    for (let i = 1; i <= count; i++) {
      const name = `file-${String(i).padStart(String(count).length, "0")}.bin`;
      yield write({ out, name, size, seed: i, overwrite }, { name });
    }
  },
});
