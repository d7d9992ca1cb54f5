import { describe, expect, test } from "bun:test";

import { pipeloom } from "../support/program.ts";
import { terminalEnvironment } from "../support/pty.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { KeyReader } from "../../src/commands/keys.ts";

describe("keys", () => {
  const cases: [string, string[], string[]][] = [
    ["characters, also several of one read", ["q", "cc\x03"], ["q", "c", "c", "\x03"]],
    ["an arrow", ["\x1b[C"], ["\x1b[C"]],
    [
      "an arrow with Ctrl, and one of the application mode",
      ["\x1b[1;5C\x1bOC"],
      ["\x1b[1;5C", "\x1bOC"],
    ],
    ["Alt and a character", ["\x1bc"], ["\x1bc"]],
    ["a sequence that comes in two reads", ["\x1b", "[Cq"], ["\x1b[C", "q"]],
    ["a sequence that comes in three reads", ["a\x1b[", "1;5", "C"], ["a", "\x1b[1;5C"]],
    ["a character of two code units", ["\u{1f600}"], ["\u{1f600}"]],
  ];
  test.each(cases)("%s", (_, reads, keys) => {
    const reader = new KeyReader();
    expect(reads.flatMap((read) => reader.keysIn(read))).toEqual(keys);
  });
});

/** ICANON, input line by line. */
const canonical = process.platform === "darwin" ? 0x100 : 0x2;

describe.skipIf(process.platform === "win32")("a terminal whose keys are listened to", () => {
  test.each(["SIGTERM", "SIGHUP"] as const)(
    "%s ends the command and gives it back",
    async (signal) => {
      using folder = tempFolder();
      Bun.spawnSync([...pipeloom, "init-db"], { cwd: folder.path });
      const hasDrawn = Promise.withResolvers<void>();
      await using terminal = new Bun.Terminal({
        cols: 80,
        rows: 24,
        data: (_, bytes) =>
          new TextDecoder().decode(bytes).includes("no runs") && hasDrawn.resolve(),
      });
      await using watching = Bun.spawn([...pipeloom, "status", "--watch"], {
        cwd: folder.path,
        env: terminalEnvironment(folder.path),
        terminal,
      });
      await hasDrawn.promise;
      expect(terminal.localFlags & canonical).toBe(0);
      watching.kill(signal);
      await watching.exited;
      expect(watching.signalCode).toBe(signal);
      expect(terminal.localFlags & canonical).toBe(canonical);
    },
  );
});
