// Clocks and timers, taken from the runtime before any user code is loaded (see globals.ts).

export type Timer = ReturnType<typeof setTimeout>;

export type Clock = {
  /** Monotonic, in ms: for durations, timeouts and deadlines. */
  now(): number;
  /** Epoch ms: for stored and shown times. */
  wall(): number;
  after(delayMs: number, work: () => void): Timer;
  cancel(timer: Timer | undefined): void;
  /** Runs `work` after the event loop has delivered the messages that have arrived. */
  soon(work: () => void): void;
};

/** CPU time of the calling thread, ms. Undefined where the runtime does not have it. */
export const threadCpuMs: (() => number) | undefined = threadCpu();

function threadCpu(): (() => number) | undefined {
  if (typeof process.threadCpuUsage !== "function") return undefined;
  const usage = process.threadCpuUsage.bind(process);
  return () => {
    const { user, system } = usage();
    return (user + system) / 1000;
  };
}

const { setTimeout, setInterval, clearTimeout, setImmediate } = globalThis;

export const systemClock = {
  now: performance.now.bind(performance),
  wall: Date.now,
  after: (delayMs, work) => setTimeout(work, delayMs),
  every: (delayMs: number, work: () => void): Timer => setInterval(work, delayMs),
  cancel: (timer) => clearTimeout(timer),
  soon: (work) => void setImmediate(work),
} satisfies Clock & Record<string, unknown>;
