// A read of the database by a worker that cannot open it: the thread asks, and waits until the answer is there. `ctx.query`
// returns its rows at once, so the thread is blocked meanwhile.

import type { Failure } from "../base/failure.ts";
import type { LogLevel } from "./status.ts";

export type AskedQuery = { readonly sql: string; readonly params: readonly unknown[] };

export type QueryAnswer =
  | { readonly status: "rows"; readonly rows: unknown[] }
  | { readonly status: "error"; readonly failure: Failure };

/** Never rejects. */
export type AnswerQuery = (query: AskedQuery) => Promise<QueryAnswer>;

/** The worker's end. `answers`: one Int32, which counts the answers that were posted. */
export type QueryLine = { readonly port: MessagePort; readonly answers: SharedArrayBuffer };

/** The longest wait at a stretch. */
const waitMs = 1_000;

/** In the worker: blocks the thread. */
export function askQuery({ port, answers }: QueryLine, query: AskedQuery): QueryAnswer {
  const { receiveMessageOnPort } = process.getBuiltinModule("node:worker_threads");
  const cell = new Int32Array(answers);
  const before = Atomics.load(cell, 0);
  port.postMessage(query);
  for (;;) {
    Atomics.wait(cell, 0, before, waitMs);
    if (Atomics.load(cell, 0) === before) continue;
    const received: { message: unknown } | undefined = receiveMessageOnPort(port);
    if (received !== undefined) return received.message as QueryAnswer;
  }
}

/** The other end. */
export function answerQueries({ port, answers }: QueryLine, answer: AnswerQuery): void {
  const cell = new Int32Array(answers);
  const answerOne = async (query: AskedQuery): Promise<void> => {
    port.postMessage(await answer(query));
    Atomics.add(cell, 0, 1);
    Atomics.notify(cell, 0);
  };
  port.onmessage = (event) => void answerOne(event.data as AskedQuery);
}

/** To the thread that reads the database for other machines (store/read/main.ts). */
export type ToQueryThread =
  | {
      readonly type: "query";
      readonly number: number;
      readonly db: string;
      readonly asked: AskedQuery;
    }
  | { readonly type: "close" };

export type FromQueryThread =
  | { readonly type: "answer"; readonly number: number; readonly answer: QueryAnswer }
  | { readonly type: "output"; readonly level: LogLevel; readonly line: string }
  | { readonly type: "closed" };
