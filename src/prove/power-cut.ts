// Reads the record of what SQLite did to a database's files (write-recorder.c), and computes the files after a power cut.
//
// Model of a disk: what a file's last sync covers survives. Later writes survive in any combination of 512-byte sectors,
// also a write that is half done. A file's name is in its folder for certain only after a sync of the folder, and the same
// holds for its removal.

import { readFileSync } from "node:fs";
import { basename } from "node:path";

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

/** Contents by name, without the folder. */
export type Files = ReadonlyMap<string, Uint8Array>;

const headBytes = 1 + 2 * 4 + 8;

/** Without a last record that is not complete. */
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
    if (end > bytes.length) break;
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
      throw new Error(`Internal error: an operation "${type}" in the trace`);
  }
}

/** The files when every operation has reached the disk. */
export function filesAfter(before: Files, operations: readonly Operation[]): Files {
  const files = disksOf(before);
  for (const operation of operations) {
    switch (operation.type) {
      case "write":
        diskOf(files, operation.file).put(operation.offset, operation.data);
        break;
      case "truncate":
        diskOf(files, operation.file).truncate(operation.size);
        break;
      case "unlink":
        files.delete(operation.file);
        break;
      case "sync":
      case "note":
        break;
      default:
        operation satisfies never;
    }
  }
  return contentsOf(files);
}

/**
 * The files as they may be after a power cut that follows the operations.
 * @param before the files before the first operation: all of it is on the disk
 * @param folder base name of the folder that the files are in
 */
export function cutPower(
  before: Files,
  operations: readonly Operation[],
  folder: string,
  random: () => number,
): Files {
  const { isCertain, isListed } = lastSyncs(operations, folder);
  const files = disksOf(before);
  /** By name: the removed file whose removal is not certain, if its name was. */
  const ghosts = new Map<string, Disk>();
  for (const [index, operation] of operations.entries()) {
    switch (operation.type) {
      case "write":
        diskOf(files, operation.file).write(operation, isCertain(index), random);
        break;
      case "truncate":
        if (isCertain(index) || random() < 0.5) {
          diskOf(files, operation.file).truncate(operation.size);
        }
        break;
      case "unlink": {
        const disk = files.get(operation.file);
        files.delete(operation.file);
        if (isListed(index)) ghosts.delete(operation.file);
        else if (disk !== undefined && !ghosts.has(operation.file))
          ghosts.set(operation.file, disk);
        break;
      }
      case "sync":
      case "note":
        break;
      default:
        operation satisfies never;
    }
  }
  for (const [file, createdAt] of creations(before, operations)) {
    if (!isListed(createdAt) && random() < 0.5) files.delete(file);
    if (isListed(createdAt)) ghosts.delete(file);
  }
  // A file created again under the same name is a different file; the folder refers to one of the two.
  for (const [file, disk] of ghosts) if (random() < 0.5) files.set(file, disk);
  return contentsOf(files);
}

type Syncs = {
  /** Whether what the operation did to its file is on the disk. */
  readonly isCertain: (index: number) => boolean;
  /** Whether a name that the operation has added or removed is so on the disk. */
  readonly isListed: (index: number) => boolean;
};

/** A sync covers the file that has the name at that time, not a removed one that had it before. */
function lastSyncs(operations: readonly Operation[], folder: string): Syncs {
  const certain = new Uint8Array(operations.length);
  const synced = new Set<string>();
  let lastOfFolder = -1;
  for (let index = operations.length - 1; index >= 0; index--) {
    const operation = operations[index];
    if (operation === undefined || operation.type === "note") continue;
    if (synced.has(operation.file)) certain[index] = 1;
    if (operation.type === "unlink") synced.delete(operation.file);
    if (operation.type !== "sync") continue;
    synced.add(operation.file);
    if (operation.file === folder) lastOfFolder = Math.max(lastOfFolder, index);
  }
  return {
    isCertain: (index) => certain[index] === 1,
    isListed: (index) => index < lastOfFolder,
  };
}

/** The operations that have created the files there are at the end; not for those that were there before. */
function creations(before: Files, operations: readonly Operation[]): Map<string, number> {
  const created = new Map<string, number>();
  const present = new Set(before.keys());
  for (const [index, operation] of operations.entries()) {
    if (operation.type === "unlink") {
      present.delete(operation.file);
      created.delete(operation.file);
    } else if (operation.type === "write" || operation.type === "truncate") {
      if (!present.has(operation.file)) created.set(operation.file, index);
      present.add(operation.file);
    }
  }
  return created;
}

const disksOf = (files: Files): Map<string, Disk> =>
  new Map([...files].map(([file, bytes]) => [file, new Disk(bytes)]));

const contentsOf = (files: ReadonlyMap<string, Disk>): Files =>
  new Map([...files].map(([file, disk]) => [file, disk.bytes]));

function diskOf(files: Map<string, Disk>, file: string): Disk {
  const known = files.get(file);
  if (known !== undefined) return known;
  const disk = new Disk(new Uint8Array(0));
  files.set(file, disk);
  return disk;
}

const sectorBytes = 512;

class Disk {
  #space: Uint8Array;
  #size: number;

  constructor(bytes: Uint8Array) {
    // Not `slice`: that of a Buffer shares its memory.
    this.#space = new Uint8Array(bytes);
    this.#size = bytes.length;
  }

  get bytes(): Uint8Array {
    return this.#space.subarray(0, this.#size);
  }

  write(
    { offset, data }: { readonly offset: number; readonly data: Uint8Array },
    isCertain: boolean,
    random: () => number,
  ): void {
    if (isCertain) return this.put(offset, data);
    // The write survives completely, not at all, or in part (torn).
    const fate = random();
    if (fate < 0.4) return;
    if (fate < 0.8) return this.put(offset, data);
    for (let at = 0; at < data.length; at += sectorBytes) {
      if (random() < 0.5) this.put(offset + at, data.subarray(at, at + sectorBytes));
    }
  }

  truncate(size: number): void {
    this.#reserve(size);
    if (size < this.#size) this.#space.fill(0, size, this.#size);
    this.#size = size;
  }

  put(offset: number, data: Uint8Array): void {
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
