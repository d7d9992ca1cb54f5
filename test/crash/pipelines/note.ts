// Writes each announced task end into the trace of file operations (see ../shim.c).

import { dlopen } from "bun:ffi";

const shim = process.env["CRASH_SHIM"];
const library =
  shim === undefined ? undefined : dlopen(shim, { note: { args: ["cstring"], returns: "void" } });

/** For `onTaskFinish`, which runs on the main thread after the commit. */
export function note(event: { readonly id: number; readonly status: string }): void {
  library?.symbols.note(Buffer.from(`${event.status} ${event.id}\0`));
}
