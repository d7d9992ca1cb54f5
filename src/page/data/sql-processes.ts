// SQL in processes of their own: any SQL may run for ever, and only a process can be ended. Each is a `pipeloom query`, whose
// connection is read-only. It has bounds for time and memory, which hold also when this process is killed.

import { ConcurrencyLimit } from "../../base/concurrency-limit.ts";
import { systemClock } from "../../base/clock.ts";
import { Promise, TextDecoder } from "../../base/globals.ts";
import { queryEndsAfterVariable } from "../../protocol/page-variables.ts";
import { Refused } from "../asked.ts";
import type { SqlAnswer } from "../contract-data.ts";

const maxRows = 1_000;
/** Characters of all rows together. */
const maxChars = 4_000_000;
/** Each may take 500 MB. */
const maxAtOnce = 3;
/** A browser asks six questions at once. */
const maxWaiting = 30;
/** By then the process has been ended from here, if there still is somebody. */
const restMs = 2_000;

type QueriedRows = Pick<SqlAnswer, "lines" | "isCut">;

export class SqlProcesses implements Disposable {
  readonly #own: readonly string[];
  readonly #path: string;
  readonly #limit = new ConcurrencyLimit(maxAtOnce);
  readonly #running = new Set<Bun.Subprocess>();

  /** @param own the words that start pipeloom */
  constructor(own: readonly string[], path: string) {
    this.#own = own;
    this.#path = path;
  }

  /** @throws Refused with what `pipeloom query` says */
  rows(sql: string, withinMs: number, signal: AbortSignal): Promise<QueriedRows> {
    if (this.#limit.waiting >= maxWaiting) {
      throw new Refused(409, "too many queries wait already", "end some, or try again later");
    }
    return this.#limit.run(() => this.#run(sql, withinMs, signal));
  }

  [Symbol.dispose](): void {
    for (const child of this.#running) child.kill("SIGKILL");
  }

  async #run(sql: string, withinMs: number, signal: AbortSignal): Promise<QueriedRows> {
    if (signal.aborted) throw new Refused(409, "nobody waits for the rows any more");
    const child = Bun.spawn([...this.#own, "query", "--db", this.#path, "--format", "jsonl", "-"], {
      stdin: new Blob([sql]),
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, NO_COLOR: "1", [queryEndsAfterVariable]: `${withinMs + restMs}` },
    });
    this.#running.add(child);
    const end = (): void => child.kill("SIGKILL");
    let isLate = false;
    const timer = systemClock.after(withinMs, () => {
      isLate = true;
      end();
    });
    signal.addEventListener("abort", end, { once: true });
    try {
      const [rows, problem] = await Promise.all([linesOf(child.stdout, end), child.stderr.text()]);
      const code = await child.exited;
      if (isLate) {
        throw new Refused(400, `the query was ended: it took more than ${withinMs / 1000} s`);
      }
      if (code !== 0 && !rows.isCut) {
        throw new Refused(400, messageIn(problem) || `the query ended with ${code}`);
      }
      return rows;
    } finally {
      systemClock.cancel(timer);
      signal.removeEventListener("abort", end);
      this.#running.delete(child);
    }
  }
}

/** Without the line that names the help of the command. */
const messageIn = (problem: string): string =>
  problem
    .replace(/^error: /, "")
    .replace(/\n {2}see \S+ query --help\n?$/, "")
    .trim();

/** As many lines as are sent; @param end is called when there are more */
async function linesOf(stream: ReadableStream<Uint8Array>, end: () => void): Promise<QueriedRows> {
  const decoder = new TextDecoder();
  let text = "";
  let rows = 0;
  for await (const chunk of stream) {
    const more = decoder.decode(chunk, { stream: true });
    text += more;
    rows += more.split("\n").length - 1;
    if (rows > maxRows || text.length > maxChars) break;
  }
  const lines = text.split("\n").slice(0, -1);
  const isCut = rows > maxRows || text.length > maxChars;
  if (isCut) end();
  if (lines.length === 0 && isCut) {
    throw new Refused(
      400,
      `the first row has more than ${maxChars.toLocaleString("en")} characters`,
      "ask for its beginning: substr(column, 1, 1000)",
    );
  }
  return { lines: lines.slice(0, maxRows), isCut };
}
