// A file name from an address: never a path, never one that a system reads as something else.

import { partPath, recordPath } from "./part-file.ts";

/** In UTF-8. File systems take 255; `.part.json` and a number come behind it. */
const maxBytes = 200;
/** Names that Windows keeps for devices, with any ending. */
const devices = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
/** Separators, what Windows forbids in names, and characters that do not show. */
const forbidden =
  /[\p{Cc}\p{Zl}\p{Zp}\\/:*?"<>|\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** The last part of the address's path, decoded and made harmless; `download` when nothing is left. */
export function fileNameOf(url: string): string {
  const last = new URL(url).pathname.split("/").findLast((part) => part !== "") ?? "";
  const name = decoded(last)
    .replace(forbidden, "_")
    // Hidden files, `.` and `..`; endings that Windows drops.
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

/** Keeps the ending, which says what the file is. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const ending = /\.[\w.]{1,15}$/.exec(name)?.[0] ?? "";
  let stem = "";
  let bytes = Buffer.byteLength(ending);
  // By code points: half a surrogate pair is no name.
  for (const char of name.slice(0, name.length - ending.length)) {
    bytes += Buffer.byteLength(char);
    if (bytes > maxBytes) break;
    stem += char;
  }
  return `${stem.replace(/[. ]+$/, "")}${ending}`;
}

/** Where case does not count, nor how an accent is written. */
const folded = (name: string): string => name.normalize("NFC").toLowerCase();

/** The names of what belongs to a download while it runs. */
const besides = (name: string): readonly string[] => [partPath(name), recordPath(name)];

/**
 * A name for each address, told apart by `-2`, `-3` … where two would be one file.
 * @param known addresses with the names that they have already; nothing else gets these
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
