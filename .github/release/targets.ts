// The eight systems that pipeloom is built for, and their names in each ecosystem.

export type Target = {
  /** Part of every file's name: `pipeloom-linux-x64-musl.tar.gz`. Release tools guess the system from these words. */
  readonly name: string;
  readonly bun: Bun.Build.CompileTarget;
  /** The names of Node and npm; `libc` is npm's field. */
  readonly os: "linux" | "darwin" | "win32";
  readonly cpu: "x64" | "arm64";
  readonly libc?: "glibc" | "musl";
};

export const targets: readonly Target[] = [
  { name: "linux-x64", bun: "bun-linux-x64", os: "linux", cpu: "x64", libc: "glibc" },
  { name: "linux-arm64", bun: "bun-linux-arm64", os: "linux", cpu: "arm64", libc: "glibc" },
  { name: "linux-x64-musl", bun: "bun-linux-x64-musl", os: "linux", cpu: "x64", libc: "musl" },
  {
    name: "linux-arm64-musl",
    bun: "bun-linux-arm64-musl",
    os: "linux",
    cpu: "arm64",
    libc: "musl",
  },
  { name: "darwin-x64", bun: "bun-darwin-x64", os: "darwin", cpu: "x64" },
  { name: "darwin-arm64", bun: "bun-darwin-arm64", os: "darwin", cpu: "arm64" },
  { name: "windows-x64", bun: "bun-windows-x64", os: "win32", cpu: "x64" },
  { name: "windows-arm64", bun: "bun-windows-arm64", os: "win32", cpu: "arm64" },
];

/** The executable's file name on a system. */
export const executableName = (os: string): string =>
  os === "win32" ? "pipeloom.exe" : "pipeloom";

/** @throws Error that names the targets */
export function targetNamed(name: string): Target {
  const target = targets.find((each) => each.name === name);
  if (target !== undefined) return target;
  const known = targets.map((each) => each.name).join(", ");
  throw new Error(`there is no target "${name}"; known: all, ${known}`);
}
