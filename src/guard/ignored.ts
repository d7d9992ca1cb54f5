// Whether a signal was ignored when the process started (`nohup`): a program must leave it so.

import { ptr } from "bun:ffi";
import { constants } from "node:os";

import { openLibc } from "../base/libc.ts";

/** Larger than `struct sigaction` anywhere; its first field is the handler. */
const actionBytes = 256;
const ignore = 1n;

/** To be asked before a listener is added. */
export function isIgnored(signal: NodeJS.Signals): boolean {
  const libc = openLibc({ sigaction: { args: ["int", "ptr", "ptr"], returns: "int" } });
  if (libc === undefined) return false;
  const action = new BigUint64Array(actionBytes / BigUint64Array.BYTES_PER_ELEMENT);
  return libc.sigaction(constants.signals[signal], null, ptr(action)) === 0 && action[0] === ignore;
}
