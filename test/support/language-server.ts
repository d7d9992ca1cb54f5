// TypeScript's language server, as an editor talks to it: diagnostics of files that are open.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { repository } from "./program.ts";

type Diagnostic = {
  readonly message: string;
  /** 1 error, 2 warning, 3 information, 4 hint. */
  readonly severity: number;
  readonly range: { readonly start: { readonly line: number; readonly character: number } };
};

type Answer = { readonly id?: number; readonly result?: unknown; readonly method?: string };

export class LanguageServer implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #read: Promise<void>;
  #lastId = 0;

  private constructor(folder: string) {
    const tsc = join(repository, "node_modules/typescript/bin/tsc");
    this.#child = Bun.spawn([process.execPath, tsc, "--lsp", "--stdio"], {
      cwd: folder,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#read = this.#readAnswers();
  }

  static async start(folder: string): Promise<LanguageServer> {
    const server = new LanguageServer(folder);
    const rootUri = pathToFileURL(folder).href;
    const capabilities = { textDocument: { diagnostic: {} } };
    await server.#ask("initialize", {
      processId: process.pid,
      rootUri,
      workspaceFolders: [{ uri: rootUri, name: "folder" }],
      capabilities,
    });
    server.#send({ method: "initialized", params: {} });
    return server;
  }

  /** `3: Cannot find module 'x'`, of errors and warnings: what an editor underlines. */
  async problems(path: string): Promise<string[]> {
    const uri = pathToFileURL(path).href;
    const text = await Bun.file(path).text();
    this.#send({
      method: "textDocument/didOpen",
      params: { textDocument: { uri, languageId: "typescript", version: 1, text } },
    });
    const report = await this.#ask("textDocument/diagnostic", { textDocument: { uri } });
    const { items } = report as { readonly items: readonly Diagnostic[] };
    return items
      .filter(({ severity }) => severity <= 2)
      .map(({ message, range }) => `${range.start.line + 1}: ${message}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    await this.#read;
  }

  #ask(method: string, params: object): Promise<unknown> {
    const id = ++this.#lastId;
    this.#send({ id, method, params });
    return new Promise((resolve) => {
      this.#waiting.set(id, ({ result }) => resolve(result));
    });
  }

  #send(message: object): void {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    void this.#child.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    void this.#child.stdin.write(body);
    void this.#child.stdin.flush();
  }

  async #readAnswers(): Promise<void> {
    let bytes = Buffer.alloc(0);
    for await (const chunk of this.#child.stdout) {
      bytes = Buffer.concat([bytes, chunk]);
      for (let next = framed(bytes); next !== undefined; next = framed(bytes)) {
        bytes = next.rest;
        this.#receive(JSON.parse(next.body) as Answer);
      }
    }
  }

  #receive(answer: Answer): void {
    const { id, method } = answer;
    if (id === undefined) return;
    // A request of the server's, such as for the editor's settings: there are none.
    if (method !== undefined) return this.#send({ id, result: null });
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }
}

function framed(
  bytes: Buffer,
): { readonly body: string; readonly rest: Buffer<ArrayBuffer> } | undefined {
  const head = /^(?:[^\r\n]+\r\n)*?Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*?\r\n/i.exec(
    bytes.subarray(0, 500).toString("latin1"),
  );
  if (head === null) return undefined;
  const end = head[0].length + Number(head[1]);
  if (bytes.length < end) return undefined;
  return {
    body: bytes.subarray(head[0].length, end).toString(),
    rest: Buffer.from(bytes.subarray(end)),
  };
}
