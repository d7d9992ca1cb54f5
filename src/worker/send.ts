// One call that sends, and the promise that it returns to the author. A failed call fails the task unless the author
// handles the failure. Only the promise can tell: `await`, `catch` and `Promise.all` all call its `then`.

import { Promise } from "../base/globals.ts";

type Resolve = () => void;
type Reject = (thrown: unknown) => void;

const unset = (): never => {
  throw new Error("Internal error: a promise without its executor");
};

class SendPromise extends Promise<void> {
  /** `then` returns an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly #send: Send;

  constructor(send: Send, executor: (resolve: Resolve, reject: Reject) => void) {
    super(executor);
    this.#send = send;
    // A failure that nobody handles fails the task. It must not also be an unhandled rejection of the thread.
    void super.then(undefined, () => undefined);
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<Done = void, Failed = never>(
    onDone?: ((value: void) => Done | PromiseLike<Done>) | null,
    onFailed?: ((thrown: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Done | Failed> {
    this.#send.isObserved = true;
    return super.then(onDone, onFailed);
  }
}

type SendState = "open" | "succeeded" | { readonly thrown: unknown };

export class Send {
  #resolve: Resolve = unset;
  #reject: Reject = unset;
  readonly #settled = Promise.withResolvers<void>();
  #state: SendState = "open";
  /** The author has called `then`, and so handles a failure. */
  isObserved = false;
  readonly promise: Promise<void> = new SendPromise(this, (resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  /** Resolves when the call has succeeded or failed. Awaiting it does not count as observing the call. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get failure(): { readonly thrown: unknown } | undefined {
    return typeof this.#state === "object" ? this.#state : undefined;
  }

  succeed(): void {
    if (!this.isOpen) return;
    this.#state = "succeeded";
    this.#resolve();
    this.#settled.resolve();
  }

  fail(thrown: unknown): void {
    if (!this.isOpen) return;
    this.#state = { thrown };
    this.#reject(thrown);
    this.#settled.resolve();
  }
}
