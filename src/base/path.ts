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

/** Set where the working directory is no longer the one of the person who reads the messages. */
let shownFrom: string | undefined;

/** In a thread: what `enterFolder` has remembered in the main thread. */
export function showPathsFrom(folder: string): void {
  shownFrom = folder;
}

/** The folder in which the command was started, also after `enterFolder`; undefined when it has been deleted. */
export const startFolder = (): string | undefined => shownFrom ?? workingDirectory();

/** Like `cd` in a shell. Messages go on showing paths as seen from the folder in which the command was started. */
export function enterFolder(folder: string): void {
  shownFrom ??= workingDirectory();
  process.chdir(folder);
  if (process.env["PWD"] !== undefined) process.env["PWD"] = folder;
}

/** Relative to the folder in which the command was started; absolute for a file outside of it. */
export function shownPath(path: string): string {
  const folder = startFolder();
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
