// A link over a channel that loses, repeats and reorders what it carries.

import { describe, expect, test } from "bun:test";

import { type Frame, Link, unordered } from "../../../src/executors/redis/link.ts";

/** Both ends of a link, and the frames on their way; nothing moves by itself. */
class Pair {
  readonly toB: Frame<number>[] = [];
  readonly toA: Frame<number>[] = [];
  readonly atB: number[] = [];
  readonly atA: number[] = [];
  readonly #soon: (() => void)[] = [];
  readonly #later: (() => void)[] = [];
  readonly a = this.#end(this.toB, this.atA);
  readonly b = this.#end(this.toA, this.atB);

  #end(out: Frame<number>[], got: number[]): Link<number, number> {
    return new Link({
      transmit: (frame) => out.push(frame),
      deliver: (message) => got.push(message),
      soon: (work) => this.#soon.push(work),
      later: (work) => this.#later.push(work),
    });
  }

  settle(): void {
    for (const work of this.#soon.splice(0)) work();
  }

  /** What nobody waits for is due. */
  settleLater(): void {
    for (const work of this.#later.splice(0)) work();
  }

  /** Delivers all that is on its way, also what that leads to. */
  deliver(): void {
    while (this.toA.length + this.toB.length > 0) {
      for (const frame of this.toB.splice(0)) this.b.receive(frame);
      for (const frame of this.toA.splice(0)) this.a.receive(frame);
      this.settle();
    }
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("a link", () => {
  test("what is sent in one turn shares a frame, and is acknowledged", () => {
    const pair = new Pair();
    for (const message of upTo(5)) pair.a.send(message);
    pair.settle();
    expect(pair.toB).toHaveLength(1);
    pair.deliver();
    expect(pair.atB).toEqual(upTo(5));
    expect(pair.a.isDrained).toBe(false);
    pair.b.beat(false);
    pair.deliver();
    expect(pair.a.isDrained).toBe(true);
  });

  test("what nobody waits for goes with the next frame, in its place, or later alone", () => {
    const pair = new Pair();
    pair.a.sendLater(0);
    pair.settle();
    expect(pair.toB).toEqual([]);
    pair.a.send(1);
    pair.settle();
    pair.settleLater();
    expect(pair.toB.map(({ messages }) => messages)).toEqual([[0, 1]]);
    pair.a.sendLater(2);
    pair.settleLater();
    expect(pair.toB).toHaveLength(2);
  });

  test("a gap is asked for, once", () => {
    const pair = new Pair();
    for (const message of upTo(4)) {
      pair.a.send(message);
      pair.settle();
    }
    pair.toB.splice(1, 1);
    for (const frame of pair.toB.splice(0)) pair.b.receive(frame);
    expect(pair.atB).toEqual([0]);
    expect(pair.toA).toEqual([{ seq: 0, ack: 1, again: true, messages: [] }]);
    pair.deliver();
    expect(pair.atB).toEqual(upTo(4));
  });

  test("the last frame is sent again when nobody acknowledges it", () => {
    const pair = new Pair();
    pair.a.send(0);
    pair.settle();
    pair.toB.length = 0;
    for (let beat = 0; beat < 3; beat++) pair.a.beat(false);
    pair.deliver();
    expect(pair.atB).toEqual([0]);
  });

  test("an end that is behind gets one frame again, less and less often, and asks for the rest", () => {
    const pair = new Pair();
    for (const message of upTo(5)) {
      pair.a.send(message);
      pair.settle();
    }
    pair.toB.length = 0;
    const resent = upTo(50).filter(() => {
      pair.a.beat(false);
      return pair.toB.splice(0).length > 0;
    });
    expect(resent).toEqual([2, 8, 20, 44]);
    for (let beat = 0; beat < 50; beat++) pair.a.beat(false);
    pair.deliver();
    expect(pair.atB).toEqual(upTo(5));
  });

  test("an unordered frame is delivered whatever is missing", () => {
    const pair = new Pair();
    pair.b.receive({ seq: unordered, ack: 0, messages: [7] });
    pair.a.send(0);
    pair.settle();
    pair.deliver();
    expect(pair.atB).toEqual([7, 0]);
  });

  test.each([1, 2, 3, 4, 5])("seed %p: all arrives once, in order, whatever is lost", (seed) => {
    let state = seed;
    const chance = (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state / 2 ** 32;
    };
    const pair = new Pair();
    const badly = (frames: Frame<number>[], end: Link<number, number>): void => {
      const taken = frames.splice(0);
      if (chance() < 0.3) taken.reverse();
      for (const frame of taken) {
        if (chance() < 0.3) continue;
        end.receive(frame);
        if (chance() < 0.3) end.receive(frame);
      }
    };
    for (let round = 0; round < 300; round++) {
      pair.a.send(round);
      if (chance() < 0.5) pair.b.send(round);
      if (chance() < 0.7) pair.settle();
      badly(pair.toB, pair.b);
      badly(pair.toA, pair.a);
      if (chance() < 0.1) pair.a.resend();
    }
    const sentByB = pair.atA.length;
    pair.settle();
    for (let beat = 0; beat < 60; beat++) {
      pair.a.beat(true);
      pair.b.beat(true);
      pair.deliver();
    }
    expect(pair.atB).toEqual(upTo(300));
    expect(pair.atA.length).toBeGreaterThanOrEqual(sentByB);
    expect(pair.atA).toEqual(pair.atA.toSorted((one, other) => one - other));
    expect(new Set(pair.atA).size).toBe(pair.atA.length);
    expect([pair.a.isDrained, pair.b.isDrained]).toEqual([true, true]);
  });
});
