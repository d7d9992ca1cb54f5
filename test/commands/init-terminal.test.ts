// The wizard in a pseudo-terminal.

import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";

import { pipeloom, run } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const timeoutMs = 30_000;
const enter = "\r";
const ctrlC = "\u0003";

type Session = { readonly code: number | null; readonly text: string };

/** Types each key when its question is on the screen. */
async function session(
  cwd: string,
  columns: number,
  steps: readonly (readonly [seen: string, key: string])[],
): Promise<Session> {
  let text = "";
  const child = Bun.spawn([...pipeloom, "init"], {
    cwd,
    env: { ...process.env, TERM: "xterm-256color", NO_COLOR: "1" },
    terminal: {
      cols: columns,
      rows: 30,
      data: (_, bytes) => void (text += new TextDecoder().decode(bytes)),
    },
  });
  let read = 0;
  for (const [seen, key] of steps) {
    while (!text.slice(read).includes(seen)) {
      if (child.exitCode !== null) throw new Error(`ended before "${seen}":\n${text}`);
      await Bun.sleep(5);
    }
    read = text.length;
    child.terminal?.write(key);
  }
  await child.exited;
  return { code: child.exitCode, text: Bun.stripANSI(text).replaceAll("\r\n", "\n") };
}

const questions = [
  "Where?",
  "What do you want to do?",
  "Which database?",
  "Write example data?",
  "Types for your editor?",
  "A git repository?",
  "Write this?",
];

const all = questions.map((question) => [question, enter] as const);

describe.skipIf(process.platform === "win32")("in a terminal", () => {
  test.each([80, 40])(
    "of %d columns: a project, and the next command",
    async (columns) => {
      using folder = tempFolder();
      const { code, text } = await session(folder.path, columns, all);
      expect(code).toBe(0);
      expect(readdirSync(folder.path)).toEqual(["my-pipeline"]);
      expect(text).toContain("Next:\n  cd my-pipeline\n");
      const widths = text.split("\n").map((line) => Bun.stringWidth(line));
      // The last line shows the path of the program, which may be wider than the terminal.
      expect(Math.max(...widths.slice(0, -4))).toBeLessThanOrEqual(columns);
    },
    timeoutMs,
  );

  test.each(questions.map((question, index) => [question, index] as const))(
    "Ctrl-C at: %s",
    async (question, index) => {
      using folder = tempFolder();
      const { code, text } = await session(folder.path, 80, [
        ...all.slice(0, index),
        [question, ctrlC],
      ]);
      expect(code).toBe(130);
      expect(text).toContain("Nothing was written.");
      expect(readdirSync(folder.path)).toEqual([]);
    },
    timeoutMs,
  );
});

test(
  "without a terminal: what is needed, and 2",
  async () => {
    using folder = tempFolder();
    const { code, out, err } = await run([...pipeloom, "init", "x"], folder.path);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("missing answers: --template, --db, ");
    expect(err).toContain("pipeloom init --yes");
    expect(readdirSync(folder.path)).toEqual([]);
  },
  timeoutMs,
);
