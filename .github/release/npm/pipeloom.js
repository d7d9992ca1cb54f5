#!/usr/bin/env node
// Finds the executable for this system among the optional dependencies, runs it, and ends as it ended.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { arch, platform } = process;

/** By what this very process is linked to: a system may have musl beside glibc. */
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
      "  install again without --no-optional (--omit=optional), on the system it shall run on",
    );
  }
}

function fail(message, ...hints) {
  console.error([`error: ${message}`, ...hints].join("\n"));
  process.exit(1);
}

const child = spawn(executable(), process.argv.slice(2), { stdio: "inherit" });
// A terminal sends Ctrl-C to both; it is the child's to answer, and a second one would mean "stop now".
process.on("SIGINT", () => undefined);
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => fail(error.message));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
