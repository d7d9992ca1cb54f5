// How much of a task's input is stored and shown. The input of a fan-in may have megabytes: only what fits is ever copied.

import { isJsonText } from "../base/json.ts";
import type { Mask } from "./mask.ts";

/** `short`: whole up to 1,024 characters, and cut beyond. `none`: inputs are neither stored nor shown. */
export const inputModes = ["short", "full", "none"] as const;
export type InputMode = (typeof inputModes)[number];

/** Characters of JSON text. */
export const maxShortInput = 1024;

/** Ends an input that is not whole. No JSON text ends with it, so nobody can take the rest for the whole. */
export const cutMark = "…";

/** The most characters of an input that are stored. */
export function inputLimit(mode: InputMode): number {
  if (mode === "none") return 0;
  return mode === "full" ? Number.POSITIVE_INFINITY : maxShortInput;
}

/**
 * An input as it is stored or shown: without secrets, and cut where it is too long.
 * @param input JSON text, or its beginning and `…`; empty where it is not known
 * @param limit characters; 0: nothing is stored
 */
export function storedInput(
  input: string,
  limit: number,
  mask: Mask | undefined,
): string | undefined {
  if (limit === 0 || input === "") return undefined;
  if (mask !== undefined) return maskedInput(input, limit, mask);
  return input.length <= limit ? input : cutInput(input, limit);
}

export const cutInput = (input: string, limit: number): string =>
  `${withoutHalf(input.slice(0, limit))}${cutMark}`;

/** A cut may fall into a surrogate pair. */
const withoutHalf = (text: string): string => (text.isWellFormed() ? text : text.slice(0, -1));

function maskedInput(input: string, limit: number, mask: Mask): string {
  if (input.length > limit) return cutInput(maskedStart(input, limit, mask), limit);
  const masked = mask.text(input);
  if (masked.length > limit) return cutInput(masked, limit);
  if (masked === input || masked.endsWith(cutMark) || isJsonText(masked)) return masked;
  // A secret that was a number.
  return masked + cutMark;
}

/** The text without secrets, or its beginning: at least `limit` characters of a longer text, unless there are secrets in it. */
export function maskedStart(text: string, limit: number, mask: Mask | undefined): string {
  if (mask === undefined) return text;
  const { longest } = mask;
  if (text.length <= limit + longest) return mask.text(text);
  const masked = mask.text(text.slice(0, limit + longest));
  // The last characters may be the beginning of a secret.
  return masked.slice(0, Math.max(0, masked.length - longest));
}
