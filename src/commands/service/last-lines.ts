// The end of a log file, which may be large.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";

import { Buffer } from "../../base/globals.ts";

export const maxLogLines = 10;
const maxBytes = 16 * 1024;

/** Oldest first; empty where the file cannot be read. */
export function lastLines(path: string): string[] {
  try {
    const fd = openSync(path, "r");
    try {
      const { size } = fstatSync(fd);
      const bytes = Buffer.alloc(Math.min(size, maxBytes));
      readSync(fd, bytes, 0, bytes.length, size - bytes.length);
      const lines = bytes.toString().trimEnd().split(/\r?\n/);
      return lines.filter((line) => line !== "").slice(-maxLogLines);
    } finally {
      closeSync(fd);
    }
  } catch {
    return [];
  }
}
