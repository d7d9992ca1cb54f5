// `pipeloom run --watch` while somebody writes the file: half of it, a mistake, an import that is missing, a save during a run.

import { expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeloom } from "../support/program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const pipelineOf = (text: string, more = ""): string =>
  `import { pipeline, task } from "pipeloom";\n${more}` +
  `const say = task({ name: "say", run: (_, ctx) => ctx.log.info(${text}) });\n` +
  `export default pipeline({ name: "watched", tasks: () => say() });\n`;

class Watching implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  #text = "";
  #seen = 0;
  #arrived = Promise.withResolvers<void>();

  constructor(cwd: string) {
    this.#child = Bun.spawn([...pipeloom, "run", "etl.ts", "--watch"], {
      cwd,
      env: { ...process.env, NO_COLOR: "1" },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    void this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stderr) {
      this.#text += decoder.decode(bytes, { stream: true });
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
    }
  }

  /** What was printed since the last call, up to and including `what`. */
  async until(what: string): Promise<string> {
    let at: number;
    while ((at = this.#text.indexOf(what, this.#seen)) === -1) await this.#arrived.promise;
    const text = this.#text.slice(this.#seen, at + what.length);
    this.#seen = at + what.length;
    return text;
  }

  async end(signal: NodeJS.Signals): Promise<number> {
    this.#child.kill(signal);
    return this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}

const waits = "runs again after the next save; Ctrl-C ends\n";

test("each mistake is said, and the next save is waited for", async () => {
  using folder = tempFolder();
  const file = join(folder.path, "etl.ts");
  writeFileSync(file, pipelineOf(`"one"`));
  await using watching = new Watching(folder.path);
  expect(await watching.until(waits)).toContain("say: one\n");

  // Half-written.
  writeFileSync(file, pipelineOf(`"two"`).slice(0, 120));
  const half = await watching.until(waits);
  expect(half).toContain("etl.ts was saved: running again\n");
  expect(half).toContain("error: etl.ts");

  writeFileSync(file, pipelineOf("text", `import { text } from "./text.ts";\n`));
  const missing = await watching.until(waits);
  expect(missing).toContain("text.ts");
  expect(missing).toContain("error: ");

  // The file that was missing, and then a change of it.
  writeFileSync(join(folder.path, "text.ts"), `export const text = "three";\n`);
  const found = await watching.until(waits);
  expect(found).toContain("text.ts was saved: running again\n");
  expect(found).toContain("say: three\n");
  expect(found).toContain("watching etl.ts and 1 file that it imports: ");
  writeFileSync(join(folder.path, "text.ts"), `export const text = "four";\n`);
  expect(await watching.until(waits)).toContain("say: four\n");

  expect(await watching.end("SIGINT")).toBe(130);
}, 60_000);

test("a save during a run: it ends with the code that it began with, then the new code runs", async () => {
  using folder = tempFolder();
  const file = join(folder.path, "etl.ts");
  const [begun, go] = ["begun", "go"].map((name) => JSON.stringify(join(folder.path, name)));
  writeFileSync(
    file,
    pipelineOf(
      `(await held(), "old")`,
      `const held = async () => { await Bun.write(${begun}, ""); while (!(await Bun.file(${go}).exists())) await Bun.sleep(5); };\n`,
    ).replace("run: (", "run: async ("),
  );
  await using watching = new Watching(folder.path);
  while (!existsSync(join(folder.path, "begun"))) await Bun.sleep(5);
  writeFileSync(file, pipelineOf(`"new"`));
  writeFileSync(join(folder.path, "go"), "");
  expect(await watching.until(waits)).toContain("say: old\n");
  expect(await watching.until(waits)).toContain("say: new\n");
}, 60_000);

test("a signal during a run ends it, and its exit code is the one", async () => {
  using folder = tempFolder();
  writeFileSync(
    join(folder.path, "etl.ts"),
    pipelineOf(
      `await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve))`,
    ).replace("run: (", "run: async ("),
  );
  await using watching = new Watching(folder.path);
  await watching.until("watched · run 1");
  expect(await watching.end("SIGTERM")).toBe(143);
}, 60_000);
