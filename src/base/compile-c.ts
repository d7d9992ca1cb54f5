// Compiles C at run time, by the compiler inside the runtime (TinyCC). It needs a path that the system can open. Files inside
// the executable have none, and no folder is sure to be writable, so the source is passed as the path of a pipe.

import { cc, type FFIFunction, type Library } from "bun:ffi";

import { Descriptors } from "./libc.ts";

/** Our C knows the structures of these systems only. */
export const canCompile =
  process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");

/**
 * @param source at most 64 KiB
 * @throws Error when this system cannot compile it
 */
export function compileC<Symbols extends Record<string, FFIFunction>>(
  source: string,
  symbols: Symbols,
): Library<Symbols>["symbols"] {
  const descriptors = Descriptors.open();
  if (descriptors === undefined) throw new Error("no C library");
  const path = pipeHolding(descriptors, source);
  try {
    return cc({ source: `/dev/fd/${path}`, symbols }).symbols;
  } finally {
    descriptors.close(path);
  }
}

/** @returns the pipe's read end. Nobody reads while the text is written, so it must fit into the pipe. */
function pipeHolding(descriptors: Descriptors, text: string): number {
  const { read, write } = descriptors.pipe();
  descriptors.writeAll(write, text);
  descriptors.close(write);
  return read;
}
