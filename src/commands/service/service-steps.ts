// Installs and removes a service, step by step: what a step has done is undone if a later one fails.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { shellWord } from "../../base/shell-words.ts";
import { reasonOf } from "../../base/system-error.ts";
import { UserError } from "../../cli/user-error.ts";
import { markedService, type MarkedService } from "../../serve/service/service-mark.ts";
import type { Call, RunCall, ServiceManager } from "./service-manager.ts";

export const callText = (call: Call): string => call.map(shellWord).join(" ");

type Installed = { readonly text: string; readonly service: MarkedService };

/**
 * What `install` has written; undefined where nothing is.
 * @throws UserError where the file is another program's
 */
export function installed({ path, encoding, id }: ServiceManager): Installed | undefined {
  if (!existsSync(path)) return undefined;
  const text = readText(path, encoding);
  const service = markedService(text);
  if (service !== undefined) return { text, service };
  throw new UserError(
    `${path} is not a file of pipeloom service install, so it is left as it is`,
    `give the service another name: --name nightly; or remove ${id} yourself`,
  );
}

function readText(path: string, encoding: ServiceManager["encoding"]): string {
  try {
    return readFileSync(path, encoding).replace(/^\ufeff/, "");
  } catch (thrown) {
    throw new UserError(`${path} cannot be read: ${reasonOf(thrown)}`);
  }
}

/** @throws UserError where the manager does not run */
export function assertManager(manager: ServiceManager, run: RunCall): void {
  if (manager.probe === null) return;
  const { code, err } = run(manager.probe);
  if (code === 0) return;
  const { message, hint } = manager.absent;
  const said = err.trim().split("\n", 1)[0] ?? "";
  throw new UserError(`${message}${said === "" ? "" : ` (${said})`}`, hint);
}

/** @throws UserError, and everything is as it was before */
export function install(manager: ServiceManager, text: string, run: RunCall): void {
  const before = installed(manager);
  writeText(manager, text);
  for (const call of before === undefined ? manager.begin : manager.change) {
    const { code, err, out } = run(call);
    if (code === 0) continue;
    undo(manager, before, run);
    const said = (err.trim() || out.trim()).split("\n").slice(0, 5).join("; ");
    throw new UserError(
      `${callText(call)} failed: ${said}`,
      before === undefined ? "nothing is installed" : "the service is as it was before",
    );
  }
}

function undo(manager: ServiceManager, before: Installed | undefined, run: RunCall): void {
  if (before === undefined) return remove(manager, run);
  writeText(manager, before.text);
  for (const call of manager.change) run(call);
}

/** The manager may not know it any more: its own complaints do not count. */
export function remove(manager: ServiceManager, run: RunCall): void {
  for (const call of manager.end) run(call);
  try {
    rmSync(manager.path, { force: true });
  } catch (thrown) {
    throw new UserError(`${manager.path} cannot be removed: ${reasonOf(thrown)}`);
  }
  for (const call of manager.ended) run(call);
}

function writeText({ path, encoding }: ServiceManager, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, encoding === "utf16le" ? `\ufeff${text}` : text, { encoding });
  } catch (thrown) {
    throw new UserError(`${path} cannot be written: ${reasonOf(thrown)}`);
  }
}
