// Keys of a terminal, one by one.

import { isForeground } from "../terminal/foreground.ts";
import { holdTerminal } from "../terminal/terminal-signals.ts";

type Keys = {
  /** q, or Ctrl-C. */
  readonly leave: (exitCode: number) => void;
  /** Any other key: a character, or the whole escape sequence of a key such as an arrow. */
  readonly pressed?: (key: string) => void;
};

/**
 * The keys of a screen that only looks: q and Ctrl-C leave it, Ctrl-Z suspends it. Does nothing where stdin is no terminal.
 * @returns gives the terminal back
 */
export function listenToKeys(keys: Keys): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  const reader = new KeyReader();
  const listen = (data: Buffer): void => {
    for (const key of reader.keysIn(data.toString())) press(keys, key);
  };
  const cook = (): void => setRawMode(false);
  const letGo = holdTerminal({
    release: cook,
    // The system stops a background process that changes the terminal. `fg` resumes it again.
    resume: () => isForeground() && setRawMode(true),
    close: cook,
  });
  setRawMode(true);
  stdin.on("data", listen);
  stdin.resume();
  return () => {
    stdin.off("data", listen);
    letGo();
    cook();
    stdin.pause();
  };
}

/** In raw mode Ctrl-C and Ctrl-Z arrive as keys, not as signals. */
function press({ leave, pressed }: Keys, key: string): void {
  switch (key) {
    case "\x03":
      return leave(130);
    case "q":
    case "Q":
      return leave(0);
    case "\x1a":
      process.kill(process.pid, "SIGTSTP");
      return;
    default:
      pressed?.(key);
  }
}

function setRawMode(isRaw: boolean): void {
  try {
    process.stdin.setRawMode(isRaw);
  } catch {
    // The terminal is gone.
  }
}

/** A CSI or SS3 sequence (ECMA-48), ESC before a character (Alt), or a character. */
// eslint-disable-next-line no-control-regex
const oneKey = /\x1b(?:\[[0-?]*[ -/]*[@-~]|O[^]|[^[O])|[^\x1b]/gu;
// eslint-disable-next-line no-control-regex
const incomplete = /\x1b(?:\[[0-?]*[ -/]*|O)?$/;

export class KeyReader {
  /** The beginning of a sequence whose rest comes with the next read. */
  #rest = "";

  keysIn(text: string): readonly string[] {
    const whole = this.#rest + text;
    this.#rest = incomplete.exec(whole)?.[0] ?? "";
    return whole.slice(0, whole.length - this.#rest.length).match(oneKey) ?? [];
  }
}
