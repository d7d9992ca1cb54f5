// The pipes that descriptors 1 and 2 are redirected to (redirected-outputs.ts), and how they are read. The watchdog's thread
// imports this file: it loads none of Node's modules, which would double that thread's start-up time.

import type { Descriptors } from "../base/libc.ts";

export const streamNumbers = [1, 2] as const;
/** 1: stdout, 2: stderr. */
export type StreamNumber = (typeof streamNumbers)[number];

const chunkBytes = 64 * 1024;
/** Per stream. Background processes may go on writing at the end of the run. */
const maxRestBytes = 16 * 1024 * 1024;

export type Pipes = {
  /** Read ends. */
  readonly out: number;
  readonly err: number;
  /** Write ends. */
  readonly outEnd: number;
  readonly errEnd: number;
  /** Becomes readable when the run has ended: the watchdog then reads the rest of the pipes, and stops. */
  readonly wake: number;
  /** Duplicates of stdout and stderr as they were before. */
  readonly originalOut: number;
  readonly originalErr: number;
};

/** Reads until the pipes are empty, without waiting for more. */
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

/** @returns no bytes at the end of the file */
export const readChunk = (descriptors: Descriptors, fd: number): Uint8Array =>
  descriptors.read(fd, chunkBytes);
