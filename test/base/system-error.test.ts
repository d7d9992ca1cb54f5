import { expect, test } from "bun:test";
import { reasonOf } from "../../src/base/system-error.ts";

test("the system's reason, as a person reads it", () => {
  expect(reasonOf(new Error("ENOSPC: no space left on device, write"))).toBe(
    "no space left on device (ENOSPC)",
  );
  expect(reasonOf(new Error("nobody reads it"))).toBe("nobody reads it");
  expect(reasonOf("odd")).toBe("odd");
});
