// Every code block and every command of the README and of the guide, in the order they stand, with the executable as a user
// gets it.

import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { executable, repository } from "./support/program.ts";
import { tempFolder, type TempFolder } from "./support/temp-folder.ts";

type Block = { readonly language: string; readonly info: string; readonly text: string };

/** Only shown: they need the network, an installed package or a container engine. */
const shownOnly = [/^curl -fsSL \S+install\.sh \| sh$/, /^docker run /];

const texts = await Promise.all(
  ["README.md", "src/commands/docs/guide.md"].map((path) =>
    Bun.file(join(repository, path)).text(),
  ),
);
const readme = texts.join("\n");
const blocks: readonly Block[] = [...readme.matchAll(/^```(\w+)([^\n]*)\n(.*?)^```$/gms)].map(
  ([, language = "", info = "", text = ""]) => ({ language, info, text }),
);

const titleOf = ({ info }: Block): string => /title="([^"]+)"/.exec(info)?.[1] ?? "";

const linesOf = ({ text }: Block): string[] => text.split("\n").filter((line) => line !== "");

test("each block is of a kind that is checked", () => {
  const kinds = new Set(blocks.map(({ language }) => language));
  expect([...kinds].toSorted()).toEqual(["console", "sh", "text", "ts"]);
  for (const block of blocks) {
    if (block.language === "ts") expect(titleOf(block)).not.toBe("");
    if (block.language !== "console") continue;
    for (const line of linesOf(block))
      expect(shownOnly.some((shown) => shown.test(line))).toBeTrue();
  }
});

/** What a reader has: the executable on the PATH, an empty folder, and, for the library, the package. */
async function readersFolder(): Promise<TempFolder> {
  const folder = tempFolder();
  mkdirSync(join(folder.path, "bin"));
  mkdirSync(join(folder.path, "node_modules"));
  symlinkSync(executable, join(folder.path, "bin", "pipeloom"));
  symlinkSync(repository, join(folder.path, "node_modules", "pipeloom"), "junction");
  for (const block of blocks) {
    if (block.language === "ts") await Bun.write(join(folder.path, titleOf(block)), block.text);
  }
  return folder;
}

async function run(
  command: readonly string[],
  folder: TempFolder,
): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([...command], {
    cwd: folder.path,
    env: { ...process.env, PATH: `${join(folder.path, "bin")}:${process.env["PATH"]}`, CI: "1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, errors, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, output: out + errors };
}

test.skipIf(process.platform === "win32")(
  "each command works, in the order of the text",
  async () => {
    using folder = await readersFolder();
    for (const block of blocks) {
      if (block.language !== "sh") continue;
      for (const line of linesOf(block)) {
        const { code, output } = await run(["bash", "-c", line], folder);
        expect({ line, code, output }).toEqual({ line, code: 0, output });
        // All tasks are done, so nothing is to be listed; a redirection prints nothing; everything else has something to say.
        if (!/<> 'done'|' > \S+$/.test(line)) expect(output).not.toBe("");
      }
    }
  },
  120_000,
);

/** Without what differs from run to run: durations, and how often something happened. */
const settled = (text: string): string[] =>
  text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("  show ran"))
    .map((line) =>
      line
        .replace(/\d[\d.]* (?:ms|s|min \d+ s), seed/, "1 s, seed")
        .replaceAll(/\d+ (kill|power cut)s?/g, "1 $1")
        .replace(/ran \d+ times?.*$/, "ran"),
    )
    // Tasks are listed in the order in which they first ran, which differs.
    .toSorted();

test.skipIf(process.platform !== "linux")(
  "a proof prints what is shown",
  async () => {
    using folder = await readersFolder();
    const shown = blocks.filter((block) => titleOf(block).startsWith("pipeloom prove"));
    expect(shown).toHaveLength(1);
    for (const block of shown) {
      const { code, output } = await run(["bash", "-c", `${titleOf(block)} -q`], folder);
      expect({ code, output: settled(output) }).toEqual({ code: 0, output: settled(block.text) });
    }
  },
  120_000,
);

/** Without what differs between machines and runs. */
const anywhere = (text: string): string =>
  text.replaceAll(/\d+ workers?/g, "2 workers").replaceAll(/in [\d.]+ (?:ms|s) /g, "in 1 ms ");

test.skipIf(process.platform === "win32")("the first pipeline prints what is shown", async () => {
  using folder = await readersFolder();
  const shown = blocks.filter((block) => /^pipeloom (run|query)/.test(titleOf(block)));
  expect(shown.map(titleOf)).toEqual([
    "pipeloom run rates.ts",
    "pipeloom query 'SELECT * FROM rates ORDER BY currency'",
  ]);
  for (const block of shown) {
    const { output } = await run(["bash", "-c", titleOf(block)], folder);
    expect(anywhere(output)).toBe(anywhere(block.text));
  }
});

test("what is said of the results is so", async () => {
  using folder = await readersFolder();
  const orders = await run([executable, "run", "etl.ts"], folder);
  expect(orders.output).toContain("loaded 2000 orders of 20 days");
  const users = await run([executable, "run", "users.ts"], folder);
  expect(users.code).toBe(0);
  const query = await run(
    [executable, "query", "SELECT key, seen FROM users ORDER BY key", "--format", "csv"],
    folder,
  );
  expect(query.output.trim().split(/\r?\n/)).toEqual([
    "key,seen",
    "u1,3",
    "u2,3",
    "u3,1",
    "u4,1",
    "u5,1",
  ]);
  const nightly = await run(
    ["env", "API_KEY=correct-horse", executable, "run", "nightly.ts"],
    folder,
  );
  expect(nightly.output).toContain("with *** to example.org");
  expect(nightly.output).not.toContain("correct-horse");
}, 60_000);

test("each program compiles, and the library's runs", async () => {
  using folder = await readersFolder();
  await Bun.write(
    join(folder.path, "tsconfig.json"),
    JSON.stringify({ extends: join(repository, "tsconfig.json"), include: ["*.ts"] }),
  );
  const check = await run(
    [process.execPath, "check", "--no-script", "--typeRoots", join(repository, "node_modules")],
    folder,
  );
  expect(check).toEqual({ code: 0, output: check.output });
  const program = await run([process.execPath, "program.ts"], folder);
  expect(program.output).toContain("done 1");
}, 60_000);
