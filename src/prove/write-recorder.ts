// Records what SQLite does to a database's files in this process, from now on (write-recorder.c).

import { ptr } from "bun:ffi";
import { basename, dirname } from "node:path";

import { canCompile, compileC } from "../base/compile-c.ts";
import { Buffer } from "../base/globals.ts";
import source from "./write-recorder.c" with { type: "text" };

export const canRecord = canCompile;

/** Keeps the texts that the compiled code reads until the process ends. */
const kept: Uint8Array[] = [];

function text(value: string): ReturnType<typeof ptr> {
  const bytes = Buffer.from(`${value}\0`);
  kept.push(bytes);
  return ptr(bytes);
}

/**
 * To be called before any thread starts.
 * @param trace file that is made for the records
 * @param db real path of the database
 * @returns adds an announcement to the records
 * @throws Error where nothing can be recorded
 */
export function startRecorder(trace: string, db: string): (announcement: string) => void {
  const symbols = compileC(source, {
    start: { args: ["ptr", "ptr", "ptr"], returns: "int" },
    note: { args: ["ptr"], returns: "void" },
  });
  if (symbols.start(text(trace), text(db), text(dirname(db))) === 0) {
    throw new Error(`no function of SQLite in ${basename(process.execPath)} was found`);
  }
  return (announcement) => symbols.note(ptr(Buffer.from(`${announcement}\0`)));
}
