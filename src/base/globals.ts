// The globals of the runtime, taken before any user code is loaded: libraries replace them (fake timers, polyfills, DOM
// emulation), and pipeloom must keep working. The linter forbids the originals elsewhere. Timers are in clock.ts.

export const {
  AbortController,
  AbortSignal,
  Buffer,
  Date,
  Promise,
  Temporal,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  Worker,
  crypto,
  queueMicrotask,
  structuredClone,
} = globalThis;

const sourceOf = Reflect.get(Function.prototype, "toString");
/** The source of a function, whatever its own `toString` says. */
export const functionText = (of: unknown): string => Reflect.apply(sourceOf, of, []);

const { MessageChannel } = globalThis;
/** An object, so that the simulator can replace `open`. */
export const channels = { open: () => new MessageChannel() };

const { stringify, parse, rawJSON } = globalThis.JSON;

export const JSON = {
  parse,
  rawJSON,
  /** Ignores a `toJSON` that a library has added to every array or object. */
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
