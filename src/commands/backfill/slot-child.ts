// The run of a slot: a child `pipeloom run` in a process group of its own, so that Ctrl-C in a terminal reaches it through its parent
// only, once for each time. It goes on if its parent is killed, and the next backfill finds its run.

import { LineBuffer } from "../../base/line-buffer.ts";
import { Buffer, Promise, TextDecoder } from "../../base/globals.ts";
import type { StopSignal } from "../../terminal/ui.ts";

type SlotProgram = {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Params as JSON text, where they have come through standard input. */
  readonly stdin: string | undefined;
  readonly onLine: (line: string) => void;
};

export type ChildEnd = {
  readonly code: number | null;
  readonly signal: string | null;
  /** What the command itself complained about at its end: `error: …`, and perhaps hints, which are indented. */
  readonly complaint: string | undefined;
  /** The last line that it has written. */
  readonly lastLine: string | undefined;
};

export type SlotChild = {
  readonly ended: Promise<ChildEnd>;
  kill(signal: StopSignal): void;
};

const complaintStart = "error: ";

/** @throws Error with a `code` where no process can be started */
export function startSlotChild({ command, cwd, env, stdin, onLine }: SlotProgram): SlotChild {
  const child = Bun.spawn([...command], {
    cwd,
    env,
    detached: true,
    stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
    stdout: "ignore",
    stderr: "pipe",
  });
  let complaint: string | undefined;
  let lastLine: string | undefined;
  const lines = new LineBuffer((text) => {
    const line = Bun.stripANSI(text);
    if (line.startsWith(complaintStart)) complaint = line.slice(complaintStart.length);
    // A task has written it: the command's own is the last thing that it says.
    else if (/^\S/.test(line)) complaint = undefined;
    if (line.trim() !== "") lastLine = line.trim();
    onLine(line);
  });
  const follow = async (): Promise<ChildEnd> => {
    // Without its last lines, it has ended all the same.
    const read = readLines(child.stderr, lines).catch(() => undefined);
    await child.exited;
    // What a task has started may keep the pipe open.
    await Promise.race([read, Bun.sleep(restMs)]);
    lines.end();
    const { exitCode: code, signalCode } = child;
    return { code, signal: signalCode === null ? null : String(signalCode), complaint, lastLine };
  };
  return { ended: follow(), kill: (signal) => child.kill(signal) };
}

/** To read what is left in the pipe of a program that has ended. */
const restMs = 500;

async function readLines(stream: ReadableStream<Uint8Array>, lines: LineBuffer): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) lines.write(decoder.decode(bytes, { stream: true }));
}
