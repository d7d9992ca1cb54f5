// A child process that says one line when it is ready, and is killed at the end of the test at the latest.

export type Child = AsyncDisposable & {
  /** Its first line. */
  readonly answer: string;
  readonly pid: number;
  kill(): Promise<void>;
};

export async function startChild(script: string, ...args: readonly string[]): Promise<Child> {
  const child = Bun.spawn([process.execPath, script, ...args], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const { value } = await child.stdout.getReader().read();
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return {
    answer: new TextDecoder().decode(value).trim(),
    pid: child.pid,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
