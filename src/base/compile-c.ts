// Compiles C at run time, by the compiler inside the runtime (TinyCC). It needs a path that the system can open. Files inside
// the executable have none, and no folder is sure to be writable, so the source is passed as the path of a pipe.
//
// TinyCC would link the C library's development files, which few machines have. So the source declares no function of the C
// library: it calls the address `ADDRESS_<name>`, which is looked up in the library that is loaded.

import { cc, type FFIFunction, type Library } from "bun:ffi";

import { Descriptors, libcAddresses } from "./libc.ts";

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
    return cc({
      source: `/proc/self/fd/${path}`,
      symbols,
      flags: ["-nostdlib"],
      define: addressesFor(source),
    }).symbols;
  } finally {
    descriptors.close(path);
  }
}

function addressesFor(source: string): Record<string, string> {
  const names = [...source.matchAll(/\bADDRESS_(\w+)/g)].map(([, name = ""]) => name);
  const addresses = libcAddresses([...new Set(names)]);
  return Object.fromEntries([...addresses].map(([name, at]) => [`ADDRESS_${name}`, `${at}UL`]));
}

/** @returns the pipe's read end. Nobody reads while the text is written, so it must fit into the pipe. */
function pipeHolding(descriptors: Descriptors, text: string): number {
  const { read, write } = descriptors.pipe();
  descriptors.writeAll(write, text);
  descriptors.close(write);
  return read;
}
