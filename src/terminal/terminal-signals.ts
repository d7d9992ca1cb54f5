// The terminal is given back before the process ends or stops.

type Guarded = {
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
export function guardTerminal(guarded: Guarded): () => void {
  const undo = [closeOnExit(guarded.close), guardSignals(guarded)];
  return () => {
    for (const remove of undo) remove();
  };
}

/** When the process ends by itself. */
export function closeOnExit(close: Guarded["close"]): () => void {
  process.on("exit", close);
  return () => void process.off("exit", close);
}

/** Installed when there is something to give back: a handler waits for the main thread, the default does not. */
export function guardSignals(guarded: Guarded): () => void {
  const undo: (() => void)[] = [];
  const listen = (event: string, call: () => void): void => {
    process.on(event, call);
    undo.push(() => process.off(event, call));
  };
  for (const signal of deadly) {
    listen(signal, () => {
      // Another listener decides when the process ends, and closes the Ui.
      if (process.listenerCount(signal) > 1) return;
      guarded.close();
      process.kill(process.pid, signal);
    });
  }
  if (process.platform !== "win32") {
    listen("SIGTSTP", () => {
      guarded.release();
      // Not SIGTSTP: its handler stays installed for the next Ctrl-Z.
      process.kill(process.pid, "SIGSTOP");
    });
    listen("SIGCONT", guarded.resume);
  }
  return () => {
    for (const remove of undo.splice(0)) remove();
  };
}
