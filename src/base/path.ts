// Paths given by a person, and paths as they are shown.

import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The absolute path of a path relative to `folder`, an absolute path, or a `file://` URL. */
export function pathOf(text: string, folder: string): string {
  return resolve(folder, text.startsWith("file://") ? localPath(text) : text);
}

/** A URL that names no file of this machine is returned as it is: no such file exists. */
function localPath(address: string): string {
  try {
    return fileURLToPath(address);
  } catch {
    return address;
  }
}

/** Relative to the working directory; absolute for a file outside of it. */
export function shownPath(path: string): string {
  const folder = workingDirectory();
  const short = folder === undefined ? "" : relative(folder, path);
  return short === "" || short.startsWith("..") ? path : short;
}

/** Undefined when the working directory has been deleted. */
function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
