// `.tar.gz` and `.zip` files. `Bun.Archive` makes tar files too, but cannot say that a file is executable. Both formats
// get a fixed time, so that equal contents make equal archives.

import { crc32 } from "node:zlib";

export type Entry = {
  readonly name: string;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly executable: boolean;
};

/** Nine takes three times as long and saves two percent. */
const level = 6;

const modeOf = (entry: Entry): number => (entry.executable ? 0o755 : 0o644);
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** 1980-01-01, the earliest time that a zip file can hold. */
const unixTime = 315_532_800;

// ── tar ────────────────────────────────────────────────────────────────────────────────────────────────

const blockSize = 512;

/** @param entries names of at most 100 bytes */
export function tarGz(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const blocks = entries.flatMap((entry) => [tarHeader(entry), entry.data, padding(entry.data)]);
  const end = new Uint8Array(2 * blockSize);
  return Bun.gzipSync(Bun.concatArrayBuffers([...blocks, end], Infinity, true), { level });
}

const padding = (data: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array((blockSize - (data.length % blockSize)) % blockSize);

/** POSIX.1-1988 (ustar): fields at fixed places, numbers as octal text. */
function tarHeader(entry: Entry): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(blockSize);
  const put = (at: number, text: string): void => header.set(bytesOf(text), at);
  const octal = (at: number, size: number, value: number): void =>
    put(at, value.toString(8).padStart(size - 1, "0"));
  put(0, entry.name);
  octal(100, 8, modeOf(entry));
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, entry.data.length);
  octal(136, 12, unixTime);
  put(148, " ".repeat(8)); // the sum counts its own field as blanks
  put(156, "0");
  put(257, "ustar\u000000");
  octal(
    148,
    7,
    header.reduce((sum, byte) => sum + byte, 0),
  );
  return header;
}

// ── zip ────────────────────────────────────────────────────────────────────────────────────────────────

const localMagic = 0x04034b50;
const centralMagic = 0x02014b50;
const endMagic = 0x06054b50;
/** Deflate needs a reader of version 2.0. */
const zipVersion = 20;
/** "Made by" Unix: then the upper half of the attributes is a mode. */
const madeByUnix = (3 << 8) | zipVersion;
const deflated = 8;
/** 1980-01-01 as MS-DOS writes it. */
const dosDate = (1 << 5) | 1;

type Packed = {
  readonly name: Uint8Array<ArrayBuffer>;
  readonly body: Uint8Array<ArrayBuffer>;
  /** The fields that stand in both headers. */
  readonly common: readonly [size: 2 | 4, value: number][];
  readonly mode: number;
};

export function zip(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const files: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const packed of entries.map(pack)) {
    const local = fields([4, localMagic], ...packed.common);
    files.push(local, packed.name, packed.body);
    directory.push(centralHeader(packed, at), packed.name);
    at += local.length + packed.name.length + packed.body.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = entries.length;
  const end = fields(
    [4, endMagic],
    [4, 0], // no further disks
    [2, count],
    [2, count],
    [4, size],
    [4, at],
    [2, 0], // no comment
  );
  return Bun.concatArrayBuffers([...files, ...directory, end], Infinity, true);
}

function pack(entry: Entry): Packed {
  const name = bytesOf(entry.name);
  const body = Bun.deflateSync(entry.data, { level });
  return {
    name,
    body,
    common: [
      [2, zipVersion],
      [2, 0], // no flags
      [2, deflated],
      [2, 0], // midnight
      [2, dosDate],
      [4, crc32(entry.data)],
      [4, body.length],
      [4, entry.data.length],
      [2, name.length],
      [2, 0], // no extra field
    ],
    mode: modeOf(entry),
  };
}

const centralHeader = ({ common, mode }: Packed, at: number): Uint8Array<ArrayBuffer> =>
  fields(
    [4, centralMagic],
    [2, madeByUnix],
    ...common,
    [2, 0], // no comment
    [2, 0], // disk 0
    [2, 0], // not text
    [4, ((0o100000 | mode) << 16) >>> 0],
    [4, at],
  );

/** Little-endian numbers, one after the other. */
function fields(...values: readonly [size: 2 | 4, value: number][]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of values) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}
