// Which members of two inputs differ. Pure.

import { JSON } from "../base/globals.ts";

const maxShown = 60;

/** `day: 5 → 6` for each member that differs; nothing where an input is not known, or no object. */
export function changedMembers(before: string | null, now: string | null): string[] {
  const [old, current] = [parsed(before), parsed(now)];
  if (old === undefined || current === undefined) return [];
  const names = new Set([...Object.keys(old), ...Object.keys(current)]);
  return [...names].flatMap((name) => {
    const [from, to] = [shown(old[name]), shown(current[name])];
    return from === to ? [] : [`${name}: ${from} → ${to}`];
  });
}

/** Undefined for an input that is stored in part only. */
function parsed(input: string | null): Record<string, unknown> | undefined {
  if (input === null) return undefined;
  try {
    const value: unknown = JSON.parse(input);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : { input: value };
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  const text = value === undefined ? "none" : JSON.stringify(value);
  return text.length <= maxShown ? text : `${text.slice(0, maxShown - 1)}…`;
}
