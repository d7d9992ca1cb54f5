// `pipeloom ui` as a person starts it, on a database of a test.

import { endsWithInputVariable } from "../../../src/protocol/page-variables.ts";
import { pipeloom } from "../../support/program.ts";

export type Ui = AsyncDisposable & {
  readonly pid: number;
  /** Opens the page once. */
  readonly link: string;
  readonly origin: string;
  /** The one that is printed when the last has been used. */
  nextLink(): Promise<string>;
  stop(): Promise<void>;
};

type Options = {
  readonly port?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

export async function startUi(
  db: string,
  { port = "0", flags = [], env = {} }: Options = {},
): Promise<Ui> {
  const child = Bun.spawn([...pipeloom, "ui", "--db", db, "--port", port, ...flags], {
    // A test process that is killed, or a block that cannot begin, leaves no page behind.
    env: { ...process.env, NO_COLOR: "1", [endsWithInputVariable]: "1", ...env },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "pipe",
  });
  const links = linksIn(child.stderr);
  const nextLink = async (): Promise<string> => {
    const { value } = await links.next();
    if (value === undefined) throw new Error("pipeloom ui has ended");
    return value;
  };
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await child.exited;
  };
  const link = await nextLink();
  return {
    pid: child.pid,
    link,
    origin: new URL(link).origin,
    nextLink,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function* linksIn(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    text += decoder.decode(bytes, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) yield* line.match(/http:\S+/g) ?? [];
  }
}
