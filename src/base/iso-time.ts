import { Date } from "./globals.ts";

/** ISO 8601 UTC with milliseconds. Times cross threads as epoch milliseconds and are text in the database. */
export const toIso = (epochMs: number): string => new Date(epochMs).toISOString();

/** At 200,000 tasks/s, hundreds of times share a millisecond: formatting each one costs 10 % of the writer's time. */
export class IsoTimeCache {
  #ms = Number.NaN;
  #text = "";

  text(epochMs: number): string {
    if (epochMs !== this.#ms) {
      this.#ms = epochMs;
      this.#text = toIso(epochMs);
    }
    return this.#text;
  }
}
