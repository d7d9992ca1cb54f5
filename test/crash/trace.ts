// Reads the trace that shim.c records, and computes the files after a power cut.
//
// Model of a disk: writes before a file's last fsync survive. Later writes survive in any combination of 512-byte
// sectors. A removal is certain only after an fsync of the folder.

import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

export type Operation =
  | {
      readonly type: "write";
      readonly file: string;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  | { readonly type: "truncate"; readonly file: string; readonly size: number }
  | { readonly type: "sync"; readonly file: string }
  | { readonly type: "unlink"; readonly file: string }
  /** An announcement of the run, e.g. `done 12`. */
  | { readonly type: "note"; readonly text: string };

const headBytes = 1 + 2 * 4 + 8;

export function readTrace(path: string): Operation[] {
  const bytes = readFileSync(path);
  const operations: Operation[] = [];
  for (let at = 0; at + headBytes <= bytes.length;) {
    const type = String.fromCharCode(bytes[at] ?? 0);
    const nameLength = bytes.readUInt32LE(at + 1);
    const size = bytes.readUInt32LE(at + 5);
    const offset = Number(bytes.readBigInt64LE(at + 9));
    const nameEnd = at + headBytes + nameLength;
    const name = bytes.toString("utf8", at + headBytes, nameEnd);
    const end = type === "w" ? nameEnd + size : nameEnd;
    operations.push(operationOf(type, name, offset, bytes.subarray(nameEnd, end)));
    at = end;
  }
  return operations;
}

function operationOf(type: string, name: string, offset: number, data: Uint8Array): Operation {
  const file = basename(name);
  switch (type) {
    case "w":
      return { type: "write", file, offset, data };
    case "t":
      return { type: "truncate", file, size: offset };
    case "s":
      return { type: "sync", file };
    case "u":
      return { type: "unlink", file };
    case "n":
      return { type: "note", text: name };
    default:
      throw new Error(`an operation "${type}" in the trace`);
  }
}

const sectorBytes = 512;

/**
 * Writes the files as they may be after a power cut that follows the first `count` operations.
 * @param folder base name of the database's folder; its fsync makes removals certain
 */
export function cutPower(
  operations: readonly Operation[],
  count: number,
  folder: string,
  into: string,
  random: () => number,
): void {
  const before = operations.slice(0, count);
  const lastSync = new Map<string, number>();
  for (const [index, operation] of before.entries()) {
    if (operation.type === "sync") lastSync.set(operation.file, index);
  }
  const files = new Map<string, Disk>();
  /** Removed files whose removal is not synced yet. */
  const ghosts = new Map<string, Disk>();
  const isCertain = (file: string, index: number): boolean => index < (lastSync.get(file) ?? -1);
  for (const [index, operation] of before.entries()) {
    switch (operation.type) {
      case "write":
        diskOf(files, operation.file).write(operation, isCertain(operation.file, index), random);
        break;
      case "truncate":
        if (isCertain(operation.file, index) || random() < 0.5) {
          diskOf(files, operation.file).truncate(operation.size);
        }
        break;
      case "unlink": {
        const disk = files.get(operation.file);
        files.delete(operation.file);
        if (disk !== undefined && !isCertain(folder, index)) ghosts.set(operation.file, disk);
        break;
      }
      case "sync":
      case "note":
        break;
      default:
        operation satisfies never;
    }
  }
  // A file created again under the same name is a different file; the folder entry refers to one of the two.
  for (const [file, disk] of ghosts) if (random() < 0.5) files.set(file, disk);
  for (const [file, disk] of files) writeFileSync(join(into, file), disk.bytes);
}

function diskOf(files: Map<string, Disk>, file: string): Disk {
  const known = files.get(file);
  if (known !== undefined) return known;
  const disk = new Disk();
  files.set(file, disk);
  return disk;
}

class Disk {
  #space = new Uint8Array(0);
  #size = 0;

  get bytes(): Uint8Array {
    return this.#space.subarray(0, this.#size);
  }

  write(
    { offset, data }: { readonly offset: number; readonly data: Uint8Array },
    isCertain: boolean,
    random: () => number,
  ): void {
    if (isCertain) return this.#put(offset, data);
    // The write survives completely, not at all, or in part (torn).
    const fate = random();
    if (fate < 0.4) return;
    if (fate < 0.8) return this.#put(offset, data);
    for (let at = 0; at < data.length; at += sectorBytes) {
      if (random() < 0.5) this.#put(offset + at, data.subarray(at, at + sectorBytes));
    }
  }

  truncate(size: number): void {
    this.#reserve(size);
    if (size < this.#size) this.#space.fill(0, size, this.#size);
    this.#size = size;
  }

  #put(offset: number, data: Uint8Array): void {
    this.#reserve(offset + data.length);
    this.#space.set(data, offset);
    this.#size = Math.max(this.#size, offset + data.length);
  }

  #reserve(size: number): void {
    if (size <= this.#space.length) return;
    const wider = new Uint8Array(Math.max(size, 2 * this.#space.length, 65_536));
    wider.set(this.bytes);
    this.#space = wider;
  }
}
