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

/** Installs the handlers; the function it returns takes them away. */
export function guardTerminal(guarded: Guarded): () => void {
  const undo: (() => void)[] = [];
  const listen = (event: string, call: () => void): void => {
    process.on(event, call);
    undo.push(() => process.off(event, call));
  };
  listen("exit", guarded.close);
  listen("uncaughtExceptionMonitor", guarded.close);
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
