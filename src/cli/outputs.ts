// The standard streams as the command line uses them: their descriptors are written to, and no stream is made.

import { shownOn } from "../base/streams.ts";
import { sayOnStderr } from "./stderr.ts";
import { print } from "./stdout.ts";

export const stdout = { ...shownOn("stdout"), write: print };

/** Most commands never write to it. */
export const stderr = {
  get isTTY() {
    return shownOn("stderr").isTTY;
  },
  get columns() {
    return shownOn("stderr").columns;
  },
  write: sayOnStderr,
};
