import { expect, test } from "bun:test";

import { atPort } from "../../src/commands/page-flags.ts";

const failing = (code: string) => (): never => {
  throw Object.assign(new Error("no"), { code });
};

test.each([
  [4800, "EADDRINUSE", "for a free port: --port 0"],
  // Another free port would not help.
  [0, "EINVAL", undefined],
])("what helps where port %d cannot be listened at: %s", (port, code, hint) => {
  const listen = () => atPort("1.2.3.4x", port, failing(code));
  expect(listen).toThrow(expect.objectContaining({ hint }));
});
