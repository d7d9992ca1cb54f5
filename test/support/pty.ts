// The executable on a real pseudo-terminal. Its output is interpreted by a terminal in memory.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { VirtualTerminal } from "./virtual-terminal.ts";

const root = join(import.meta.dir, "../..");
const compiled = join(root, "dist/pipeloom");

/** The executable if it is built, otherwise the source. */
const command = existsSync(compiled) ? [compiled] : [process.execPath, join(root, "src/cli.ts")];

// eslint-disable-next-line no-control-regex
const cutOff = /\x1b(\[[?\d;]*)?$/;

export type Pty = {
  readonly screen: VirtualTerminal;
  /** Types text. `\x03` is Ctrl-C, `\x1a` is Ctrl-Z. */
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** Resolves when the condition holds. @throws Error with the screen after 20 s */
  until(holds: () => boolean, what: string): Promise<void>;
  /** The executable's process id. setsid is its parent, or has replaced itself with it. */
  pid(): number;
  readonly exited: Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type PtyOptions = {
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd: string;
  /** Default: the executable. */
  readonly program?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called after each change of the screen with the ms since the start. */
  readonly onScreen?: (screen: VirtualTerminal, at: number) => void;
};

/** The environment of a person's terminal. That of the tests may say that they run in CI. */
export const terminalEnvironment = (home: string): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  TERM: "xterm-256color",
  HOME: home,
});

export function openPty(args: readonly string[], options: PtyOptions): Pty {
  const { columns = 80, rows = 24, cwd, program = command } = options;
  const screen = new VirtualTerminal({ columns, rows });
  const changed = new Set<() => void>();
  const decoder = new TextDecoder();
  const start = performance.now();
  let pending = "";
  let received = 0;
  const terminal = new Bun.Terminal({
    cols: columns,
    rows,
    data(_, bytes) {
      const text = decoder.decode(bytes, { stream: true });
      pending += text;
      received += bytes.length;
      const whole = wholePart(pending);
      pending = pending.slice(whole.length);
      screen.write(whole);
      options.onScreen?.(screen, performance.now() - start);
      for (const call of changed) call();
    },
  });
  // setsid -c: Ctrl-C, Ctrl-Z and a resize send signals only through a session's controlling terminal.
  const child = Bun.spawn(["setsid", "-c", "-w", ...program, ...args], {
    terminal,
    cwd,
    env: { ...terminalEnvironment(cwd), ...options.env },
  });
  return {
    screen,
    type: (text) => void terminal.write(text),
    resize(width, height) {
      screen.resize(width, height);
      terminal.resize(width, height);
    },
    until: (holds, what) => until(screen, changed, holds, what),
    pid: () =>
      Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8")) || child.pid,
    // The last output may arrive after the exit, and no event marks its end. So wait until 100 ms pass without output.
    exited: child.exited.then(async (code) => {
      for (let seen = -1; seen !== received;) {
        seen = received;
        await Bun.sleep(100);
      }
      return code;
    }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      terminal.close();
    },
  };
}

/** A read may end inside an escape sequence or a synchronized update. The incomplete part waits for the next read. */
function wholePart(text: string): string {
  const open = text.lastIndexOf("\x1b[?2026h");
  if (open > text.lastIndexOf("\x1b[?2026l")) return text.slice(0, open);
  return text.replace(cutOff, "");
}

function until(
  screen: VirtualTerminal,
  changed: Set<() => void>,
  holds: () => boolean,
  what: string,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = (settle: () => void): void => {
    clearTimeout(timer);
    changed.delete(look);
    settle();
  };
  const look = (): void => {
    if (holds()) end(resolve);
  };
  const timer = setTimeout(() => {
    end(() => reject(new Error(`not seen: ${what}\n${screen.screen().join("\n")}`)));
  }, 20_000);
  changed.add(look);
  look();
  return promise;
}
