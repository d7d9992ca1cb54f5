// Takes the executable out of a release's archive.

import { inflateRawSync } from "node:zlib";

import { TextDecoder } from "../../base/globals.ts";

/** @returns the file's bytes, or undefined when the archive has no such file */
export async function unpack(
  archive: Uint8Array<ArrayBuffer>,
  kind: "tar.gz" | "zip",
  name: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (kind === "zip") return unzip(archive, name);
  const files = await new Bun.Archive(archive).files(name);
  return files.get(name)?.bytes();
}

const endMagic = 0x06054b50;
const endSize = 22;
const centralSize = 46;
const localSize = 30;

/** Walks the directory at the end of the file. Reads what our build writes: deflate, no comment, less than 4 GB. */
function unzip(bytes: Uint8Array<ArrayBuffer>, name: string): Uint8Array<ArrayBuffer> | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - endSize;
  if (end < 0 || view.getUint32(end, true) !== endMagic) return undefined;
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      view.getUint16(at + field, true),
    ) as [number, number, number];
    const nameAt = at + centralSize;
    const found = new TextDecoder().decode(bytes.subarray(nameAt, nameAt + nameLength));
    if (found === name) return inflate(bytes, view, at);
    at = nameAt + nameLength + extraLength + commentLength;
  }
  return undefined;
}

function inflate(bytes: Uint8Array, view: DataView, entry: number): Uint8Array<ArrayBuffer> {
  const packed = view.getUint32(entry + 20, true);
  const local = view.getUint32(entry + 42, true);
  const data =
    local + localSize + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  return new Uint8Array(inflateRawSync(bytes.subarray(data, data + packed)));
}
