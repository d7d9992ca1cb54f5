// The runtime's globals, taken before any user code is loaded: libraries replace them (fake timers, polyfills, what makes
// a browser of Bun), and pipeloom must go on. The linter keeps the rest of the code from the originals; time is in
// clock.ts.

export const {
  AbortController,
  AbortSignal,
  Buffer,
  Date,
  MessageEvent,
  Promise,
  TextDecoder,
  TextEncoder,
  URL,
  Worker,
  crypto,
  queueMicrotask,
  structuredClone,
} = globalThis;

const { MessageChannel } = globalThis;
/** An object: the simulator has channels of its own. */
export const channels = { open: () => new MessageChannel() };

const { stringify, parse } = globalThis.JSON;

export const JSON = {
  parse,
  /** Of values as they are, also where a library gives every list or object a `toJSON`. */
  stringify: ((value: unknown, replacer: undefined, space: undefined) =>
    "toJSON" in Array.prototype
      ? withoutToJson(() => stringify(value, replacer, space))
      : stringify(value, replacer, space)) as typeof stringify,
};

function withoutToJson<T>(work: () => T): T {
  const removed = [Array.prototype, Object.prototype].map((prototype) => {
    const method = Object.getOwnPropertyDescriptor(prototype, "toJSON");
    Reflect.deleteProperty(prototype, "toJSON");
    return () => method && Object.defineProperty(prototype, "toJSON", method);
  });
  try {
    return work();
  } finally {
    for (const restore of removed) restore();
  }
}
