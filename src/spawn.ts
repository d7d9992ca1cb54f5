// The only place that starts threads. It stays beside cli.ts: a compiled executable is a flattened bundle and finds a
// Worker's file relative to the entry, so `new URL` here means the same file from source and compiled.

import { channels, URL, Worker } from "./base/globals.ts";
import { checkFilesForThread, threadLimitError } from "./base/limits.ts";

/** A small heap that grows on demand: 30 MB less at a million tasks, and no benchmark is slower. */
const options = { smol: true };

/** @throws LimitError */
function started(file: string): Worker {
  checkFilesForThread();
  try {
    return new Worker(file, options);
  } catch (thrown) {
    throw threadLimitError(thrown);
  }
}

/**
 * A thread whose messages use a private port. User code runs in the thread, and libraries that expect a Worker of their own
 * (wasm glue, comlink) set `self.onmessage` or post messages to the thread that started the Worker.
 */
export class Thread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;

  /** @param file a script that receives its port with `privatePort` */
  constructor(file: string) {
    this.#worker = started(file);
    const { port1, port2 } = channels.open();
    this.#port = port1;
    port1.onmessage = (event) => this.onmessage?.(event);
    this.#worker.postMessage(port2, [port2]);
    this.#worker.addEventListener("close", () => this.#drain());
  }

  /** Delivers the thread's last messages before its `close` event. */
  #drain(): void {
    // Loaded here: the module takes 2 ms and 4 MB, and most runs end before a thread of theirs does.
    const { receiveMessageOnPort } = process.getBuiltinModule("node:worker_threads");
    for (
      let received: { message: unknown } | undefined = receiveMessageOnPort(this.#port);
      received !== undefined;
      received = receiveMessageOnPort(this.#port)
    ) {
      this.onmessage?.({ data: received.message });
    }
    this.#port.close();
  }

  get onerror(): ((event: ErrorEvent) => void) | null {
    return this.#worker.onerror;
  }
  set onerror(handle: ((event: ErrorEvent) => void) | null) {
    this.#worker.onerror = handle;
  }

  addEventListener(type: "close", listener: (event: CloseEvent) => void): void {
    this.#worker.addEventListener(type, listener);
  }

  postMessage(message: unknown, transfer: MessagePort[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  terminate(): void {
    this.#worker.terminate();
  }
}

export const spawnTaskWorker = (): Thread =>
  new Thread(new URL("./worker/main.ts", import.meta.url).href);

export const spawnWriter = (): Thread =>
  new Thread(new URL("./store/write/main.ts", import.meta.url).href);

/** Reads the database for tasks on other machines. No user code runs in it. */
export const spawnQueries = (): Thread =>
  new Thread(new URL("./store/read/main.ts", import.meta.url).href);

/** No user code runs in it. */
export const spawnWatchdog = (): Worker =>
  started(new URL("./watchdog/main.ts", import.meta.url).href);

/** Ends the process at its bounds. It does not keep the process alive. */
export function spawnBounds(): Worker {
  const thread = started(new URL("./watchdog/bounds-main.ts", import.meta.url).href);
  thread.unref();
  return thread;
}
