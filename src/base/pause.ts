import { type Clock, systemClock } from "./clock.ts";
import { Promise } from "./globals.ts";

export const pause = (ms: number, clock: Pick<Clock, "after"> = systemClock): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve));
