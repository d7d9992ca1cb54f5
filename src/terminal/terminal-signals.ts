// The terminal is given back before the process ends or stops.

type Holder = {
  /** Ctrl-Z: the shell gets the terminal until `fg` or `bg`. */
  readonly release: () => void;
  /** `fg`, or `bg`. */
  readonly resume: () => void;
  /** The end. */
  readonly close: () => void;
};

/** Signals that end a process without a listener. Our listener must raise them again. */
const deadly = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** Installs handlers for every way to end or stop. @returns removes them */
export function holdTerminal(holder: Holder): () => void {
  const undo = [closeOnExit(holder.close), giveBackOnSignals(holder)];
  return () => {
    for (const remove of undo) remove();
  };
}

/** When the process ends by itself. */
export function closeOnExit(close: Holder["close"]): () => void {
  process.on("exit", close);
  return () => void process.off("exit", close);
}

/** In the order in which they took the terminal: e.g. the keys, then the screen. Signals are the process's, so this is too. */
const held: Holder[] = [];
let uninstall = (): void => undefined;

/** Installed when there is something to give back: a handler waits for the main thread, the default does not. */
export function giveBackOnSignals(holder: Holder): () => void {
  if (held.push(holder) === 1) uninstall = install();
  return () => {
    const index = held.indexOf(holder);
    if (index < 0) return;
    held.splice(index, 1);
    if (held.length === 0) uninstall();
  };
}

/** One handler for each signal: several of ours would take each other for one that decides when the process ends. */
function install(): () => void {
  const undo: (() => void)[] = [];
  const listen = (event: string, call: () => void): void => {
    process.on(event, call);
    undo.push(() => process.off(event, call));
  };
  for (const signal of deadly) {
    listen(signal, () => {
      // Another listener decides when the process ends, and closes the Ui.
      if (process.listenerCount(signal) > 1) return;
      for (const each of held.splice(0).toReversed()) each.close();
      // With our handler, the signal would not end the process.
      uninstall();
      process.kill(process.pid, signal);
    });
  }
  if (process.platform !== "win32") {
    listen("SIGTSTP", () => {
      for (const each of held.toReversed()) each.release();
      // Not SIGTSTP: its handler stays installed for the next Ctrl-Z.
      process.kill(process.pid, "SIGSTOP");
    });
    listen("SIGCONT", () => {
      for (const each of held) each.resume();
    });
  }
  return () => {
    for (const remove of undo.splice(0)) remove();
  };
}
