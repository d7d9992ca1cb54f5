// Paths as a person gives them, and as they are shown.

import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The absolute path for a path relative to `folder`, an absolute one, or a `file://` address. */
export function pathOf(text: string, folder: string): string {
  return resolve(folder, text.startsWith("file://") ? localPath(text) : text);
}

/** An address that names no file of this machine stays what it is, and then there is no such file. */
function localPath(address: string): string {
  try {
    return fileURLToPath(address);
  } catch {
    return address;
  }
}

/** Relative to the working directory, unless the file is outside of it. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === "" || short.startsWith("..") ? path : short;
}
