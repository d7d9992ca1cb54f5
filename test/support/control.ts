// Lets a test step tasks by hand, without sleeps. A task in any thread or process calls `step` and waits until the test
// finishes or fails the call. The call is an HTTP request, so it also works from the compiled executable.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A task that waits in `step`. */
export type Call = {
  readonly name: string;
  /** The argument of `step`. */
  readonly input: unknown;
  /** Resolves `step` with this value. */
  finish(value?: unknown): void;
  /** Rejects `step` with this message. */
  fail(message: string): void;
  /** Resolves when the request is aborted: the task was aborted, or its thread ended. */
  readonly gone: Promise<void>;
};

export type Control = {
  /** The next call with this name. */
  next(name: string): Promise<Call>;
  /** Number of calls with this name that `next` has not returned yet. */
  waiting(name: string): number;
  readonly url: string;
} & Disposable;

type Waiter = (call: Call) => void;

/** Writes `control.ts` into the folder. A pipeline in it calls `await step("name", input, ctx.signal)`. */
export function control(folder: string): Control {
  const calls = new Map<string, Call[]>();
  const waiters = new Map<string, Waiter[]>();

  function arrived(call: Call): void {
    const waiter = waiters.get(call.name)?.shift();
    if (waiter !== undefined) waiter(call);
    else calls.set(call.name, [...(calls.get(call.name) ?? []), call]);
  }

  const server = Bun.serve({
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { name, input } = (await request.json()) as { name: string; input: unknown };
      const answer = Promise.withResolvers<object>();
      const gone = new Promise<void>((resolve) =>
        request.signal.addEventListener("abort", () => resolve()),
      );
      arrived({
        name,
        input,
        gone,
        finish: (value = null) => answer.resolve({ value }),
        fail: (message) => answer.resolve({ message }),
      });
      return Response.json(await answer.promise);
    },
  });
  const url = server.url.href;
  writeFileSync(join(folder, "control.ts"), client(url));

  return {
    url,
    next: async (name) => {
      const call = calls.get(name)?.shift();
      if (call !== undefined) return call;
      return new Promise<Call>((resolve) =>
        waiters.set(name, [...(waiters.get(name) ?? []), resolve]),
      );
    },
    waiting: (name) => calls.get(name)?.length ?? 0,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

const client = (url: string): string => `
export async function step(name: string, input: unknown = null, signal?: AbortSignal): Promise<any> {
  const body = JSON.stringify({ name, input });
  const response = await fetch(${JSON.stringify(url)}, { method: "POST", body, signal: signal ?? null });
  const { value, message } = (await response.json()) as { value?: unknown; message?: string };
  if (message !== undefined) throw new Error(message);
  return value;
}
`;
