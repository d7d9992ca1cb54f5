// Whether a signal was ignored when the process started (`nohup`). A program must go on ignoring it.

import { ptr } from "bun:ffi";
import { constants } from "node:os";

import { openLibc } from "../base/libc.ts";

/** Larger than `struct sigaction` anywhere; its first field is the handler. */
const actionBytes = 256;
const ignore = 1n;

/** To be called before a listener is added: a listener changes the answer. */
export function isIgnored(signal: NodeJS.Signals): boolean {
  const libc = openLibc({ sigaction: { args: ["int", "ptr", "ptr"], returns: "int" } });
  if (libc === undefined) return false;
  const action = new BigUint64Array(actionBytes / BigUint64Array.BYTES_PER_ELEMENT);
  return libc.sigaction(constants.signals[signal], null, ptr(action)) === 0 && action[0] === ignore;
}
