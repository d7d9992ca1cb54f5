// A program and all it has started, as one.

/** Signals a process and all it started; one that is gone is no error. */
export function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    if (process.platform === "win32") {
      Bun.spawnSync([
        "taskkill",
        "/pid",
        String(pid),
        "/t",
        ...(signal === "SIGKILL" ? ["/f"] : []),
      ]);
    } else {
      process.kill(-pid, signal);
    }
  } catch {}
}
