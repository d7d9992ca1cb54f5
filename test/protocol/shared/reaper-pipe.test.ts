import { closeSync, readSync } from "node:fs";
import { expect, setDefaultTimeout, test } from "bun:test";

import { Descriptors } from "../../../src/base/libc.ts";
import { type Reaper, reaperCells, ReaperPipe } from "../../../src/protocol/shared/reaper-pipe.ts";

setDefaultTimeout(20_000);

const newCells = (): Int32Array =>
  new Int32Array(new SharedArrayBuffer(reaperCells * Int32Array.BYTES_PER_ELEMENT));

/** A pipe in place of a reaper process. */
class FakeReaper {
  readonly #descriptors = Descriptors.open();
  #read = -1;

  readonly start = (lost: number | undefined): Reaper => {
    const { read, write } = this.descriptors.pipe();
    this.#read = read;
    if (lost === undefined) return { fd: write, pid: read };
    this.descriptors.move(lost, write);
    return { fd: lost, pid: read };
  };

  get descriptors(): Descriptors {
    if (this.#descriptors === undefined) throw new Error("no C library");
    return this.#descriptors;
  }

  get text(): string {
    const bytes = new Uint8Array(1000);
    return Buffer.from(bytes.subarray(0, readSync(this.#read, bytes))).toString();
  }

  die(): void {
    closeSync(this.#read);
  }
}

test.skipIf(process.platform === "win32")(
  "a pipe is opened once, and again when its reaper is gone, as the same descriptor",
  () => {
    const cells = newCells();
    const [one, other] = [new ReaperPipe(cells), new ReaperPipe(cells)];
    const reaper = new FakeReaper();
    expect([one.isOpen, one.pid, one.tell("+1")]).toEqual([false, undefined, false]);
    one.open(reaper.start);
    const { 0: fd } = cells;
    other.open(() => expect.unreachable());
    expect([other.isOpen, other.tell("+2"), reaper.text]).toEqual([true, true, "\n+2\n"]);
    reaper.die();
    expect(other.tell("+3")).toBe(false);
    other.open(reaper.start);
    one.open(() => expect.unreachable());
    expect([cells[0], one.tell("+3"), reaper.text]).toEqual([fd, true, "\n+3\n"]);
    reaper.die();
  },
);

test("where no reaper can be started, nobody tries again", () => {
  const cells = newCells();
  new ReaperPipe(cells).open(() => undefined);
  const pipe = new ReaperPipe(cells);
  pipe.open(() => expect.unreachable());
  expect([pipe.isOpen, pipe.tell("+1")]).toEqual([false, false]);
});

test("a thread that ended while it opened the pipe is not waited for", () => {
  const cells = newCells();
  const opening = -1;
  Atomics.store(cells, 0, opening);
  const pipe = new ReaperPipe(cells);
  pipe.open(() => undefined);
  expect(Atomics.load(cells, 0)).not.toBe(opening);
});

test.skipIf(process.platform === "win32")("a run takes the pipe of one that has ended", () => {
  const [first, second] = [new ReaperPipe(newCells()), new ReaperPipe(newCells())];
  const reaper = new FakeReaper();
  first.open(reaper.start);
  const { pid } = first;
  first[Symbol.dispose]();
  expect([first.isOpen, first.tell("-1")]).toEqual([false, false]);
  second.reuse();
  expect([second.pid, second.tell("+2"), reaper.text]).toEqual([pid, true, "+2\n"]);
  reaper.die();
});
