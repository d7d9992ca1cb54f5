// How to call pipeloom from a folder. The executable may not be on the PATH.

import { realpathSync } from "node:fs";
import { relative, sep } from "node:path";

/** @param folder the working directory of the call */
export function programName(folder: string): string {
  const self = process.execPath;
  // From source the executable is bun.
  if (!/pipeloom[^/\\]*$/.test(self)) return "pipeloom";
  const onPath = Bun.which("pipeloom");
  if (onPath !== null && realpathSync(onPath) === realpathSync(self)) return "pipeloom";
  const relativePath = relative(folder, self);
  const shortest = relativePath.length < self.length ? relativePath : self;
  const path = shortest.includes(sep) ? shortest : `.${sep}${shortest}`;
  return /\s/.test(path) ? `"${path}"` : path;
}
