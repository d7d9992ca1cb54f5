// Derives a safe file name from an address: never a path, a device name or a hidden file.

import { partPath, recordPath } from "./part-file.ts";

/** In UTF-8. File systems allow 255 bytes; a number and `.part.json` are appended. */
const maxBytes = 200;
/** Names that Windows reserves for devices, with any extension. */
const devices = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
/** Path separators, characters that Windows forbids, and invisible characters. */
const forbidden =
  /[\p{Cc}\p{Zl}\p{Zp}\\/:*?"<>|\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** The last segment of the address's path, decoded and sanitized; `download` if nothing remains. */
export function fileNameOf(url: string): string {
  const last = new URL(url).pathname.split("/").findLast((part) => part !== "") ?? "";
  const name = decoded(last)
    .replace(forbidden, "_")
    // Leading dots: hidden files, `.` and `..`. Windows drops trailing dots and spaces.
    .replace(/^\.+/, "")
    .replace(/[. ]+$/, "");
  if (name === "") return "download";
  return shortened(devices.test(name) ? `_${name}` : name);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Shortens the stem and keeps the extension. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const ending = /\.[\w.]{1,15}$/.exec(name)?.[0] ?? "";
  let stem = "";
  let bytes = Buffer.byteLength(ending);
  // Iterate by code points, so that no surrogate pair is split.
  for (const char of name.slice(0, name.length - ending.length)) {
    bytes += Buffer.byteLength(char);
    if (bytes > maxBytes) break;
    stem += char;
  }
  return `${stem.replace(/[. ]+$/, "")}${ending}`;
}

/** For file systems that ignore case and Unicode normalization. */
const folded = (name: string): string => name.normalize("NFC").toLowerCase();

/** Files that exist next to `name` during a download. */
const besides = (name: string): readonly string[] => [partPath(name), recordPath(name)];

/**
 * A unique name for each address; duplicates get `-2`, `-3` …
 * @param known address → name from earlier downloads; these names are not given to other addresses
 */
export function uniqueNames(
  urls: readonly string[],
  known: ReadonlyMap<string, string> = new Map(),
): readonly string[] {
  const taken = new Set<string>();
  const reserved = new Set<string>();
  const take = (name: string): string => {
    taken.add(folded(name));
    for (const other of besides(name)) reserved.add(folded(other));
    return name;
  };
  const isFree = (name: string): boolean =>
    !taken.has(folded(name)) &&
    !reserved.has(folded(name)) &&
    besides(name).every((other) => !taken.has(folded(other)));
  for (const name of known.values()) take(name);
  return urls.map((url) => known.get(url) ?? take(numbered(fileNameOf(url), isFree)));
}

function numbered(name: string, isFree: (name: string) => boolean): string {
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  let unique = name;
  for (let n = 2; !isFree(unique); n++) unique = `${stem}-${n}${ending}`;
  return unique;
}
