import { expect, spyOn, test } from "bun:test";

import { Garbage } from "../../src/base/garbage.ts";

test("garbage is collected after 2 Mi characters of long texts, and then not before as many have come again", () => {
  const collect = spyOn(Bun, "gc").mockImplementation(() => undefined);
  try {
    const garbage = new Garbage();
    for (let i = 0; i < 3; i++) garbage.add(512 * 1024);
    expect(collect).not.toHaveBeenCalled();
    for (let i = 0; i < 1000; i++) garbage.add(32 * 1024);
    expect(collect).not.toHaveBeenCalled();
    garbage.add(512 * 1024);
    for (let i = 0; i < 3; i++) garbage.add(512 * 1024);
    expect(collect).toHaveBeenCalledTimes(1);
  } finally {
    collect.mockRestore();
  }
});
