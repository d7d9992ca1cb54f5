// `run --ui`: the page is a child that shows the run, outlives it, and ends with it.

import { afterAll, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { dirname, join } from "node:path";

import type { RunView } from "../../src/page/contract.ts";
import { tempFolder } from "../store/write/temp-folder.ts";
import { repository } from "../support/program.ts";

const folder = tempFolder();
afterAll(() => folder[Symbol.dispose]());

const cli = join(repository, "src/cli.ts");
const file = folder.file("etl.ts");
await Bun.write(
  file,
  `import { pipeline, task } from "pipeloom";
const t = task({ name: "t", run: async (_, ctx) => { if (ctx.params.wait) await Bun.sleep(60_000); } });
export default pipeline({ name: "etl", params: { wait: false }, tasks: () => t() });`,
);

type Page = { readonly origin: string; readonly cookie: string; readonly location: string };

/** No browser can be opened: the address is printed. */
const runWithPage = (...args: string[]) => runOpening("/nowhere", ...args);

/** @param path has the program that opens a browser */
function runOpening(path: string, ...args: string[]) {
  const child = Bun.spawn([process.execPath, cli, "run", file, "--ui", ...args], {
    env: { ...process.env, PATH: path, CI: "true" },
    stdin: "ignore",
    stderr: "pipe",
  });
  const text = { seen: "" };
  const reading = (async () => {
    for await (const bytes of child.stderr) text.seen += new TextDecoder().decode(bytes);
  })();
  const has = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(text.seen);
      if (found !== null) return found;
      if (child.exitCode !== null) throw new Error(`it ended: ${text.seen}`);
      await Bun.sleep(10);
    }
  };
  const rest = async (): Promise<string> => reading.then(() => text.seen);
  return { child, has, rest };
}

async function enter(address: string): Promise<Page> {
  const entered = await fetch(address, { redirect: "manual" });
  return {
    origin: new URL(address).origin,
    cookie: entered.headers.get("set-cookie")?.split(";")[0] ?? "",
    location: entered.headers.get("location") ?? "",
  };
}

/** Another server may have its port by then, and knows nothing of the cookie. */
const isGone = async ({ origin, cookie }: Page): Promise<boolean> => {
  for (;;) {
    const isThere = await fetch(`${origin}/data/db`, { headers: { cookie } }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (!isThere) return true;
    await Bun.sleep(20);
  }
};

test("the page shows the run, also after its end, until Ctrl-C; the exit code is the run's", async () => {
  const { child, has } = runWithPage("--db", folder.file("a.db"));
  const [address] = await has(/http:\S+token=\S+/);
  const page = await enter(address);
  expect(page.location).toBe("/runs/1");
  await has(/the page stays open/);
  const answer = await fetch(`${page.origin}/data/runs/1`, { headers: { cookie: page.cookie } });
  expect(((await answer.json()) as RunView).run).toMatchObject({ pipeline: "etl", status: "done" });
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
  expect(await isGone(page)).toBe(true);
}, 30_000);

test("the page ends with a run that is killed", async () => {
  const { child, has } = runWithPage("--db", folder.file("b.db"), "--param", "wait=true");
  const [address] = await has(/http:\S+token=\S+/);
  const page = await enter(address);
  child.kill("SIGKILL");
  await child.exited;
  expect(await isGone(page)).toBe(true);
}, 30_000);

test.skipIf(process.platform !== "linux")(
  "the page ends with the run also while the program that opened the browser goes on, which is left alone",
  async () => {
    using bin = tempFolder();
    await Bun.write(
      bin.file("xdg-open"),
      `#!/bin/sh\necho $$ > ${bin.file("pid")}\nexec /bin/sleep 60\n`,
    );
    chmodSync(bin.file("xdg-open"), 0o755);
    const { child, has } = runOpening(dirname(bin.file("pid")), "--db", folder.file("c.db"));
    const [address] = await has(/http:\S+token=\S+/);
    const page = await enter(address);
    await has(/the page stays open/);
    while (!(await Bun.file(bin.file("pid")).exists())) await Bun.sleep(10);
    child.kill("SIGKILL");
    await child.exited;
    expect(await isGone(page)).toBe(true);
    const opener = Number(await Bun.file(bin.file("pid")).text());
    expect(process.kill(opener, "SIGKILL")).toBe(true);
  },
  30_000,
);

test("a pipeline that names :memory: runs, and has no page", async () => {
  const memory = folder.file("memory.ts");
  const text = await Bun.file(file).text();
  await Bun.write(memory, text.replace(`name: "etl",`, `name: "etl", db: ":memory:",`));
  const child = Bun.spawn([process.execPath, cli, "run", memory, "--ui"], {
    env: { ...process.env, PATH: "/nowhere", CI: "true" },
    stdin: "ignore",
    stderr: "pipe",
  });
  const err = await child.stderr.text();
  expect(err).toContain("--ui shows nothing of a run in :memory:");
  expect(err).not.toContain("Internal error");
  expect(await child.exited).toBe(0);
}, 30_000);

test.each([
  [["--dry-run"], "--dry-run runs nothing"],
  [["--watch"], "--watch runs several times"],
  [["--db", ":memory:"], "keeps nothing"],
  [["--no-store-task-status"], "keeps nothing"],
])("--ui with %p is wrong usage", async (args, message) => {
  const { child, rest } = runWithPage(...args);
  expect(await child.exited).toBe(2);
  expect(await rest()).toContain(message);
});
