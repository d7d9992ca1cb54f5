// Time as a thread sees it. The functions are taken before any user code is loaded: libraries replace the globals (fake
// timers in tests, polyfills), and pipeloom must go on.

export type Timer = ReturnType<typeof setTimeout>;

export type Clock = {
  /** Monotonic, in ms: for durations, timeouts and deadlines. */
  now(): number;
  /** Epoch ms: for what is stored or shown. */
  wall(): number;
  after(delayMs: number, work: () => void): Timer;
  cancel(timer: Timer): void;
  /** Runs `work` when the event loop has handed over what has arrived. */
  soon(work: () => void): void;
};

const { setTimeout, clearTimeout, setImmediate } = globalThis;
const now = performance.now.bind(performance);
const wall = Date.now;

export const systemClock: Clock = {
  now,
  wall,
  after: (delayMs, work) => setTimeout(work, delayMs),
  cancel: (timer) => clearTimeout(timer),
  soon: (work) => void setImmediate(work),
};
