// Functions of the C library, on Linux and macOS. A variadic function is called with its fixed arguments only, except on
// Linux: elsewhere the calling convention of variadic functions differs between processors.

import { dlopen, type FFIFunction, type Library, ptr } from "bun:ffi";

import { TextEncoder } from "./globals.ts";

/** glibc, musl, macOS. */
const names = [
  "libc.so.6",
  "libc.so",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
  "libSystem.B.dylib",
];

/** Undefined on Windows, and if no C library has a usual name. */
export function openLibc<Symbols extends Record<string, FFIFunction>>(
  symbols: Symbols,
): Library<Symbols>["symbols"] | undefined {
  if (process.platform === "win32") return undefined;
  for (const name of names) {
    try {
      return dlopen(name, symbols).symbols;
    } catch {
      // The next name.
    }
  }
  return undefined;
}

/** Where functions of the C library are in memory. @throws Error if one is not there */
export function libcAddresses(functions: readonly string[]): Map<string, number> {
  const found = openLibc(Object.fromEntries(functions.map((name) => [name, { returns: "void" }])));
  return new Map(
    functions.map((name) => {
      const called: unknown = found?.[name];
      const at: unknown = typeof called === "function" ? Reflect.get(called, "ptr") : undefined;
      if (typeof at !== "number") throw new Error(`the C library has no ${name}`);
      return [name, at];
    }),
  );
}

const descriptorSymbols = {
  dup: { args: ["int"], returns: "int" },
  dup2: { args: ["int", "int"], returns: "int" },
  pipe: { args: ["ptr"], returns: "int" },
  ioctl: { args: ["int", "u64", "ptr"], returns: "int" },
  poll: { args: ["ptr", "u64", "int"], returns: "int" },
  // Both return a `ssize_t`; a read or write here is far below 2 GiB.
  read: { args: ["int", "ptr", "u64"], returns: "int" },
  write: { args: ["int", "ptr", "u64"], returns: "int" },
  close: { args: ["int"], returns: "int" },
} as const satisfies Record<string, FFIFunction>;

const closeOnExec = process.platform === "darwin" ? 0x20006601 : 0x5451;
/** FIONBIO of Linux. */
const nonBlocking = 0x5421;
const pollIn = 1;
/** POLLERR, POLLHUP, POLLNVAL: the next read reports the error. */
const pollEnded = 0x38;
/** `struct pollfd`: int fd, short events, short revents. */
const pollBytes = 8;

/** Calls on descriptors that the runtime lacks, or has in `node:fs` only, which a small thread does not load. */
export class Descriptors {
  readonly #libc: Library<typeof descriptorSymbols>["symbols"];
  readonly #off = new Int32Array(1);

  private constructor(libc: Library<typeof descriptorSymbols>["symbols"]) {
    this.#libc = libc;
  }

  /** Undefined on Windows: children do not inherit its standard handles as descriptors. */
  static open(): Descriptors | undefined {
    const libc = openLibc(descriptorSymbols);
    return libc === undefined ? undefined : new Descriptors(libc);
  }

  /** A duplicate that no child process inherits. */
  duplicate(fd: number): number {
    const made = checked(this.#libc.dup(fd), "dup");
    checked(this.#libc.ioctl(made, closeOnExec, null), "ioctl");
    return made;
  }

  /** Makes `to` refer to the file of `from`. */
  lead(to: number, from: number): void {
    checked(this.#libc.dup2(from, to), "dup2");
  }

  /** Makes `to` refer to the file of `from`, which is closed. No child process inherits it. */
  move(to: number, from: number): void {
    this.lead(to, from);
    checked(this.#libc.ioctl(to, closeOnExec, null), "ioctl");
    this.close(from);
  }

  /** No child process inherits an end. */
  pipe(): { readonly read: number; readonly write: number } {
    const ends = new Int32Array(2);
    checked(this.#libc.pipe(ptr(ends)), "pipe");
    for (const end of ends) checked(this.#libc.ioctl(end, closeOnExec, null), "ioctl");
    const [read = -1, write = -1] = ends;
    return { read, write };
  }

  /** Makes writes wait for room. Linux only: the call is variadic, and macOS on ARM would not see its last argument. */
  makeBlocking(fd: number): void {
    if (process.platform === "linux") this.#libc.ioctl(fd, nonBlocking, ptr(this.#off));
  }

  /** Empty at the end of the file. */
  read(fd: number, maxBytes: number): Uint8Array {
    const bytes = new Uint8Array(maxBytes);
    return bytes.subarray(0, checked(this.#libc.read(fd, ptr(bytes), maxBytes), "read"));
  }

  writeAll(fd: number, text: string): void {
    for (let rest = new TextEncoder().encode(text); rest.length > 0;) {
      rest = rest.subarray(checked(this.#libc.write(fd, ptr(rest), rest.length), "write"));
    }
  }

  close(fd: number): void {
    this.#libc.close(fd);
  }

  /** The descriptors whose read does not block. @param timeoutMs -1: no limit */
  readable(fds: readonly number[], timeoutMs: number): number[] {
    const polled = new DataView(new ArrayBuffer(pollBytes * fds.length));
    for (const [index, fd] of fds.entries()) {
      polled.setInt32(pollBytes * index, fd, true);
      polled.setInt16(pollBytes * index + 4, pollIn, true);
    }
    if (this.#libc.poll(ptr(polled), fds.length, timeoutMs) <= 0) return [];
    return fds.filter((_, index) => {
      const events = polled.getInt16(pollBytes * index + 6, true);
      return (events & (pollIn | pollEnded)) !== 0;
    });
  }
}

function checked(result: number, name: string): number {
  if (result < 0) throw new Error(`${name} failed`);
  return result;
}
