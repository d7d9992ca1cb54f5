import { closeSync, readSync } from "node:fs";
import { expect, setDefaultTimeout, test } from "bun:test";

import { Descriptors } from "../../../src/base/libc.ts";
import { type Guard, guardCells, GuardPipe } from "../../../src/protocol/shared/guard-pipe.ts";

setDefaultTimeout(20_000);

const newCells = (): Int32Array =>
  new Int32Array(new SharedArrayBuffer(guardCells * Int32Array.BYTES_PER_ELEMENT));

/** A pipe in place of a guard process. */
class FakeGuard {
  readonly #descriptors = Descriptors.open();
  #read = -1;

  readonly start = (lost: number | undefined): Guard => {
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
  "a pipe is opened once, and again when its guard is gone, as the same descriptor",
  () => {
    const cells = newCells();
    const [one, other] = [new GuardPipe(cells), new GuardPipe(cells)];
    const guard = new FakeGuard();
    expect([one.isOpen, one.pid, one.tell("+1")]).toEqual([false, undefined, false]);
    one.open(guard.start);
    const { 0: fd } = cells;
    other.open(() => expect.unreachable());
    expect([other.isOpen, other.tell("+2"), guard.text]).toEqual([true, true, "\n+2\n"]);
    guard.die();
    expect(other.tell("+3")).toBe(false);
    other.open(guard.start);
    one.open(() => expect.unreachable());
    expect([cells[0], one.tell("+3"), guard.text]).toEqual([fd, true, "\n+3\n"]);
    guard.die();
  },
);

test("where no guard can be started, nobody tries again", () => {
  const cells = newCells();
  new GuardPipe(cells).open(() => undefined);
  const pipe = new GuardPipe(cells);
  pipe.open(() => expect.unreachable());
  expect([pipe.isOpen, pipe.tell("+1")]).toEqual([false, false]);
});

test("a thread that ended while it opened the pipe is not waited for", () => {
  const cells = newCells();
  const opening = -1;
  Atomics.store(cells, 0, opening);
  const pipe = new GuardPipe(cells);
  pipe.open(() => undefined);
  expect(Atomics.load(cells, 0)).not.toBe(opening);
});

test.skipIf(process.platform === "win32")("a run takes the pipe of one that has ended", () => {
  const [first, second] = [new GuardPipe(newCells()), new GuardPipe(newCells())];
  const guard = new FakeGuard();
  first.open(guard.start);
  const { pid } = first;
  first[Symbol.dispose]();
  expect([first.isOpen, first.tell("-1")]).toEqual([false, false]);
  second.reuse();
  expect([second.pid, second.tell("+2"), guard.text]).toEqual([pid, true, "+2\n"]);
  guard.die();
});
