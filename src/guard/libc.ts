// What is needed of the C library, on Linux and macOS. No variadic function: their calls differ between processors.

import { dlopen, type FFIFunction, type Library } from "bun:ffi";

/** glibc, musl, macOS. */
const names = [
  "libc.so.6",
  "libc.so",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
  "libSystem.B.dylib",
];

/** Undefined on Windows, and where no C library is found under its usual name. */
export function openLibc<Symbols extends Record<string, FFIFunction>>(
  symbols: Symbols,
): Library<Symbols>["symbols"] | undefined {
  if (process.platform === "win32") return undefined;
  for (const name of names) {
    try {
      return dlopen(name, symbols).symbols;
    } catch {
      // Another C library.
    }
  }
  return undefined;
}
