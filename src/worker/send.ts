// One call that sends, and the promise that its author gets. A call that fails must fail the task unless the author has
// taken the failure over, and only the promise can tell: `await`, `catch` and `Promise.all` all call its `then`.

import { Promise } from "../base/globals.ts";

type Resolve = () => void;
type Reject = (thrown: unknown) => void;

const unset = (): never => {
  throw new Error("Internal error: a promise without its executor");
};

class SendPromise extends Promise<void> {
  /** What `then` returns is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly #send: Send;

  constructor(send: Send, executor: (resolve: Resolve, reject: Reject) => void) {
    super(executor);
    this.#send = send;
    // A failure that nobody takes over becomes the task's; the thread need not hear of it as an unhandled rejection.
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

export class Send {
  #resolve: Resolve = unset;
  #reject: Reject = unset;
  readonly #settled = Promise.withResolvers<void>();
  #failure: { readonly thrown: unknown } | undefined;
  /** The author has called `then`: a failure is the author's to handle. */
  isObserved = false;
  isOpen = true;
  readonly promise: Promise<void> = new SendPromise(this, (resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  /** Resolves when the call is over, however that went. Waiting for it does not count as observing. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  get failure(): { readonly thrown: unknown } | undefined {
    return this.#failure;
  }

  succeed(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#resolve();
    this.#settled.resolve();
  }

  fail(thrown: unknown): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#failure = { thrown };
    this.#reject(thrown);
    this.#settled.resolve();
  }
}
