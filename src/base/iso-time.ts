import { Date } from "./globals.ts";

/** ISO 8601 UTC with milliseconds. Times cross threads as epoch milliseconds and are text in the database. */
export const toIso = (epochMs: number): string => new Date(epochMs).toISOString();
