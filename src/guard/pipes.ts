// The pipes that descriptors 1 and 2 lead to (outputs.ts), and the reading of them. The guard's thread imports this: none of
// Node's modules is loaded here, for they would be half of that thread's start.

import type { Descriptors } from "../base/libc.ts";

export const streamNumbers = [1, 2] as const;
/** 1: stdout, 2: stderr. */
export type StreamNumber = (typeof streamNumbers)[number];

const chunkBytes = 64 * 1024;
/** What background processes go on writing at the end is not waited for beyond this. */
const maxRestBytes = 16 * 1024 * 1024;

export type Pipes = {
  /** To be read, by stream. */
  readonly out: number;
  readonly err: number;
  /** Their other ends. */
  readonly outEnd: number;
  readonly errEnd: number;
  /** Something can be read here when what the pipes hold is all that is wanted. */
  readonly wake: number;
  /** Where stdout and stderr led before. */
  readonly originalOut: number;
  readonly originalErr: number;
};

/** Reads until nothing is left, without waiting for more. */
export function readRest(
  descriptors: Descriptors,
  pipes: Pipes,
  take: (stream: StreamNumber, bytes: Uint8Array) => void,
): void {
  for (const stream of streamNumbers) {
    const fd = stream === 1 ? pipes.out : pipes.err;
    for (let bytes = 0; bytes < maxRestBytes;) {
      if (descriptors.readable([fd], 0).length === 0) break;
      const chunk = readChunk(descriptors, fd);
      if (chunk.length === 0) break;
      bytes += chunk.length;
      take(stream, chunk);
    }
  }
}

/** Empty at the end. */
export const readChunk = (descriptors: Descriptors, fd: number): Uint8Array =>
  descriptors.read(fd, chunkBytes);
