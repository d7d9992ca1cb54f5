// Runs a program and measures wall time, CPU time of all threads, and peak memory.

import { readdirSync, readFileSync } from "node:fs";

export type Measured = {
  readonly stdout: string;
  readonly wallMs: number;
  /** User and system time of all threads. */
  readonly cpuMs: number;
  /** Peak resident memory, in MB (10^6 bytes). */
  readonly peakMb: number;
  /** Bytes written to the terminal; 0 without a terminal. */
  readonly terminalBytes: number;
};

export type ChildOptions = {
  readonly cwd: string;
  /** Additional environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Runs the program in a pseudo-terminal of this size. */
  readonly terminal?: { readonly cols: number; readonly rows: number };
  /** Called once after the start. */
  readonly started?: (child: Bun.Subprocess) => void;
};

/** User and system time of all threads of a running process, ms. Only Linux tells. */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** Of the threads that it has now, to the nanosecond: ticks are 10 ms, and a process at rest has few of them in a minute. */
export function restCpuMsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ns = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  return ns.reduce((sum, each) => sum + each, 0) / 1e6;
}

/** Time limit, so that a child that hangs does not hang the benchmark. Far above any normal duration. */
const patienceMs = 10 * 60_000;

/** @throws Error with the output on stderr when the exit code is not 0 */
export async function runChild(
  command: readonly string[],
  options: ChildOptions,
): Promise<Measured> {
  let terminalBytes = 0;
  const environment = { ...process.env, ...options.env };
  const began = performance.now();
  const child =
    options.terminal !== undefined
      ? Bun.spawn([...command], {
          cwd: options.cwd,
          env: { ...environment, TERM: "xterm-256color", CI: "" },
          terminal: {
            ...options.terminal,
            data: (_, bytes) => {
              terminalBytes += bytes.length;
            },
          },
        })
      : Bun.spawn([...command], {
          cwd: options.cwd,
          env: environment,
          stdin: "ignore",
          stdout: "pipe",
          stderr: "pipe",
        });
  const impatience = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  const peak = watchPeak(child.pid);
  options.started?.(child);
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  const code = await child.exited;
  const wallMs = performance.now() - began;
  clearTimeout(impatience);
  const usage = child.resourceUsage();
  const peakMb = peak.stop() ?? (usage?.maxRSS ?? Number.NaN) / 1e6;
  if (code !== 0) {
    const how = child.signalCode === null ? `exited with ${code}` : `ended by ${child.signalCode}`;
    throw new Error(
      `${command.join(" ")} ${how} after ${Math.round(wallMs)} ms:\n${stderr.slice(-2000)}`,
    );
  }
  return {
    stdout,
    wallMs,
    cpuMs: Number(usage?.cpuTime.total ?? Number.NaN) / 1000,
    peakMb,
    terminalBytes,
  };
}

const textOf = async (stream: unknown): Promise<string> =>
  stream instanceof ReadableStream ? await new Response(stream).text() : "";

/**
 * Reads the peak memory (VmHWM) while the program runs. On Linux, the peak of `wait4` includes the parent's memory,
 * because the child is a copy of the parent before `exec`.
 */
function watchPeak(pid: number): { stop(): number | undefined } {
  let peakMb: number | undefined;
  const look = (): void => {
    peakMb = peakOf(pid) ?? peakMb;
  };
  const timer = process.platform === "linux" ? setInterval(look, 20) : undefined;
  return {
    stop() {
      clearInterval(timer);
      return peakMb;
    },
  };
}

function peakOf(pid: number): number | undefined {
  try {
    const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kib === undefined ? undefined : (Number(kib) * 1024) / 1e6;
  } catch {
    // The process has ended.
    return undefined;
  }
}
