// The program as a process: exit codes, streams, and how little is loaded for `--version`.

import { describe, expect, test } from "bun:test";
import { versionLine } from "../src/version.ts";

const root = `${import.meta.dir}/..`;
const cli = `${root}/src/cli.ts`;

type Ended = { readonly code: number; readonly out: string; readonly err: string };

async function run(command: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = Bun.spawn([...command], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "", FORCE_COLOR: "", ...env },
    stdout: "pipe",
    stderr: "pipe",
    stdin: "ignore",
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, out, err };
}

const pipeloom = (args: readonly string[], env?: Record<string, string>): Promise<Ended> =>
  run([process.execPath, cli, ...args], env);

test("--version is one line", async () => {
  expect(await pipeloom(["--version"])).toEqual({ code: 0, out: `${versionLine}\n`, err: "" });
});

test("--version loads nothing else: everything more is imported when it is needed", async () => {
  const { imports } = new Bun.Transpiler({ loader: "ts" }).scan(await Bun.file(cli).text());
  const atOnce = imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path);
  expect(atOnce).toEqual(["./version.ts"]);
});

test("--help is on stdout, and plain in a pipe", async () => {
  const { code, out, err } = await pipeloom(["--help"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("Usage pipeloom <command> [flags]\n");
  expect(Bun.stripANSI(out)).toBe(out);
});

test("FORCE_COLOR colours a pipe", async () => {
  const { out } = await pipeloom(["--help"], { FORCE_COLOR: "1" });
  expect(Bun.stripANSI(out)).not.toBe(out);
});

test("without a command: the help on stderr, and 2", async () => {
  const { code, out, err } = await pipeloom([]);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain("Usage pipeloom <command> [flags]\n");
});

test("wrong usage: what is wrong on stderr, and 2", async () => {
  expect(await pipeloom(["nothing-like-it"])).toEqual({
    code: 2,
    out: "",
    err: 'error: unknown command "nothing-like-it"\n  see pipeloom --help\n',
  });
});

/** `$1 $2` is the program. */
const shell = (line: string): Promise<Ended> =>
  run(["sh", "-c", line, "sh", process.execPath, cli]);

// The reader leaves at once. Should it ever be late, the program must answer the same.
describe.skipIf(process.platform === "win32")("a reader that left", () => {
  test("of stdout ends the program quietly", async () => {
    const { err } = await shell('("$1" "$2" --help; echo "code $?" >&2) | :');
    expect(err).toBe("code 0\n");
  });

  test("of stderr changes nothing", async () => {
    const { out } = await shell('exec 3>&1; ("$1" "$2" wrong 2>&1; echo "code $?" >&3) | :');
    expect(out).toBe("code 2\n");
  });
});
