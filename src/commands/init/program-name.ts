// How to call pipeloom from a folder: somebody who downloaded one file may not have it on the PATH.

import { realpathSync } from "node:fs";
import { relative, sep } from "node:path";

/** @param folder where it will be called */
export function programName(folder: string): string {
  const self = process.execPath;
  // From source the executable is bun.
  if (!/pipeloom[^/\\]*$/.test(self)) return "pipeloom";
  const onPath = Bun.which("pipeloom");
  if (onPath !== null && realpathSync(onPath) === realpathSync(self)) return "pipeloom";
  const way = relative(folder, self);
  const shortest = way.length < self.length ? way : self;
  const path = shortest.includes(sep) ? shortest : `.${sep}${shortest}`;
  return /\s/.test(path) ? `"${path}"` : path;
}
