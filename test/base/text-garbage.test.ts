import { expect, test } from "bun:test";
import { TextGarbage } from "../../src/base/text-garbage.ts";

const isAlive = (ref: WeakRef<object>): boolean => ref.deref() !== undefined;

test("what is dead is collected once many characters were used", async () => {
  const garbage = new TextGarbage();
  const refs = Array.from({ length: 50 }, (_, i) => new WeakRef({ i }));
  // A WeakRef keeps its object until the job ends.
  await new Promise((resolve) => void setImmediate(resolve));
  garbage.add(1_000_000);
  expect(refs.filter(isAlive).length).toBe(50);
  await new Promise((resolve) => void setImmediate(resolve));
  garbage.add(8_000_000);
  // The stack may hold some.
  expect(refs.filter(isAlive).length).toBeLessThan(10);
});
