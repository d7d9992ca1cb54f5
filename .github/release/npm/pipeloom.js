#!/usr/bin/env node
// Runs the executable for this system, from an optional dependency, and exits with its exit code or signal.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { arch, platform } = process;

/** The C library of this process: a system may have both musl and glibc. */
function isMusl() {
  try {
    return readFileSync("/proc/self/maps", "utf8").includes("/ld-musl-");
  } catch {
    return false;
  }
}

function packageName() {
  const os = platform === "win32" ? "windows" : platform;
  return `@pipeloom/${os}-${arch}${platform === "linux" && isMusl() ? "-musl" : ""}`;
}

function executable() {
  const name = packageName();
  try {
    return require.resolve(`${name}/pipeloom${platform === "win32" ? ".exe" : ""}`);
  } catch {
    return fail(
      `the package ${name} is not installed; pipeloom's executable for this system is in it`,
      "  install again without --no-optional (--omit=optional), on the system that runs it",
    );
  }
}

function fail(message, ...hints) {
  console.error([`error: ${message}`, ...hints].join("\n"));
  process.exit(1);
}

const child = spawn(executable(), process.argv.slice(2), { stdio: "inherit" });
// A terminal sends SIGINT to both processes. Passing it on too would count as a second one: stop now.
process.on("SIGINT", () => undefined);
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => fail(error.message));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
