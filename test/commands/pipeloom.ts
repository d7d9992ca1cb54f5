// The program as a child process, in a folder of the test's own.

const cli = `${import.meta.dir}/../../src/cli.ts`;

export type Ended = { readonly code: number; readonly out: string; readonly err: string };

export async function pipeloom(
  cwd: string,
  args: readonly string[],
  stdin: "ignore" | Blob = "ignore",
): Promise<Ended> {
  const child = Bun.spawn([process.execPath, cli, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: "", FORCE_COLOR: "" },
    stdin,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, out, err };
}

export const cliCommand = (...args: readonly string[]): string[] => [
  process.execPath,
  cli,
  ...args,
];
