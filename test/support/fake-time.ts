// Fake time for tests. The engine's clock captured the real timers at import, so it is redirected to the fake ones.

import { jest } from "bun:test";

import { systemClock, type Timer } from "../../src/base/clock.ts";

const original = { ...systemClock };

export function useFakeTime(): void {
  jest.useFakeTimers();
  Object.assign(systemClock, {
    now: () => performance.now(),
    wall: () => Date.now(),
    after: (ms: number, work: () => void) => setTimeout(work, ms),
    every: (ms: number, work: () => void) => setInterval(work, ms),
    cancel: (timer?: Timer) => clearTimeout(timer),
    soon: (work: () => void) => void setImmediate(work),
  } satisfies typeof systemClock);
}

export function useRealTime(): void {
  jest.useRealTimers();
  Object.assign(systemClock, original);
}
