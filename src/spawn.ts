// The only place that starts threads. It stays beside cli.ts: in a compiled executable a Worker's file is found
// relative to the entry (the bundle is flattened), so `new URL` here must read the same from source and compiled.

import { channels, MessageEvent, URL, Worker } from "./base/globals.ts";

/** A small heap grows as it must: 30 MB less at a million tasks, and nothing slower that was measured. */
const options = { smol: true };

/**
 * A thread with a port of its own for all that is said. User code runs in it, and libraries that believe themselves in a
 * Worker of their own (wasm glue, comlink) set `self.onmessage`, or post messages to whoever has started it.
 */
export class Thread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  onmessage: ((event: MessageEvent) => void) | null = null;

  /** @param file a script that takes its port with `privatePort` */
  constructor(file: string) {
    this.#worker = new Worker(file, options);
    const { port1, port2 } = channels.open();
    this.#port = port1;
    port1.onmessage = ({ data }) => this.#receive(data);
    this.#worker.postMessage(port2, [port2]);
    this.#worker.addEventListener("close", () => this.#drain());
  }

  /** What the thread has said comes before the news of its end. */
  #drain(): void {
    // Loaded here: it takes 2 ms and 4 MB, and most runs are over before one of their threads is.
    const { receiveMessageOnPort } = process.getBuiltinModule("node:worker_threads");
    for (
      let received: { message: unknown } | undefined = receiveMessageOnPort(this.#port);
      received !== undefined;
      received = receiveMessageOnPort(this.#port)
    ) {
      this.#receive(received.message);
    }
    this.#port.close();
  }

  #receive(data: unknown): void {
    this.onmessage?.(new MessageEvent("message", { data }));
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

/** No user code runs in it. */
export const spawnGuard = (): Worker =>
  new Worker(new URL("./guard/main.ts", import.meta.url).href, options);
