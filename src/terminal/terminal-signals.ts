// Whatever ends or stops the process, the terminal is given back first.

type Guarded = {
  /** Ctrl-Z: the shell gets the terminal, for a while. */
  readonly release: () => void;
  /** `fg`, or `bg`. */
  readonly resume: () => void;
  /** The end. */
  readonly close: () => void;
};

/** Signals that end a process where nobody listens; with a listener they would not, so they are raised again. */
const deadly = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** Installs handlers for every way to end or stop; the function it returns takes them away. */
export function guardTerminal(guarded: Guarded): () => void {
  const undo = [guardExit(guarded.close), guardSignals(guarded)];
  return () => {
    for (const remove of undo) remove();
  };
}

/** For what ends the process from inside. */
export function guardExit(close: Guarded["close"]): () => void {
  process.on("exit", close);
  return () => void process.off("exit", close);
}

/** Not before there is something to give back: a handler waits for the main thread, the default does not. */
export function guardSignals(guarded: Guarded): () => void {
  const undo: (() => void)[] = [];
  const listen = (event: string, call: () => void): void => {
    process.on(event, call);
    undo.push(() => process.off(event, call));
  };
  for (const signal of deadly) {
    listen(signal, () => {
      // Whoever else listens decides when it ends, and tells the Ui.
      if (process.listenerCount(signal) > 1) return;
      guarded.close();
      process.kill(process.pid, signal);
    });
  }
  if (process.platform !== "win32") {
    listen("SIGTSTP", () => {
      guarded.release();
      // Not SIGTSTP again: the handler stays installed, so that a second Ctrl-Z works as the first did.
      process.kill(process.pid, "SIGSTOP");
    });
    listen("SIGCONT", guarded.resume);
  }
  return () => {
    for (const remove of undo.splice(0)) remove();
  };
}
