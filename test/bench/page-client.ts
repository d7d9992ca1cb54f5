// Asks `pipeloom ui` as a browser does.

import { readFileSync } from "node:fs";

import type { Kit } from "./kit.ts";

const token = "a-token-of-the-benchmark-32-characters";
const clockTicks = 100;

export class PageClient implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #origin: string;
  readonly #cookie: string;

  private constructor(child: Bun.Subprocess, origin: string, cookie: string) {
    this.#child = child;
    this.#origin = origin;
    this.#cookie = cookie;
  }

  static async start(kit: Kit, db: string): Promise<PageClient> {
    const child = Bun.spawn([kit.exe, "ui", "--db", db, "--port", "0"], {
      cwd: kit.folder,
      env: { ...process.env, PIPELOOM_UI_TOKEN: token },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const link = await linkIn(child.stderr);
    const entered = await fetch(link, { redirect: "manual" });
    const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
    return new PageClient(child, new URL(link).origin, cookie);
  }

  async data<T>(path: string): Promise<T> {
    const response = await fetch(this.#origin + path, { headers: { cookie: this.#cookie } });
    const body: unknown = await response.json();
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body as T;
  }

  /** The stream of changes, until it is disposed. */
  listen(): Disposable {
    const control = new AbortController();
    const headers = { cookie: this.#cookie };
    void fetch(`${this.#origin}/events`, { headers, signal: control.signal })
      .then((response) => response.text())
      .catch(() => undefined);
    return { [Symbol.dispose]: () => control.abort() };
  }

  /** User and system time of the server so far. 0 where the system does not say. */
  cpuMs(): number {
    try {
      const stat = readFileSync(`/proc/${this.#child.pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return ((Number(fields[11]) + Number(fields[12])) * 1000) / clockTicks;
    } catch {
      return 0;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGINT");
    await this.#child.exited;
  }
}

async function linkIn(output: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of output) {
    text += decoder.decode(bytes, { stream: true });
    const [link] = /http:\/\/\S+token=\S+/.exec(text) ?? [];
    if (link !== undefined) return link;
  }
  throw new Error(`pipeloom ui did not print its address:\n${text}`);
}
