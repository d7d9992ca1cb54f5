// What `service` needs of systemd, launchd and Task Scheduler: a file that says what runs, and calls of the manager's own program.

import type { ServiceSpec } from "../../serve/service/service-spec.ts";

/** A program and its arguments. */
export type Call = readonly [program: string, ...args: string[]];

type Called = { readonly code: number; readonly out: string; readonly err: string };

export type RunCall = (call: Call) => Called;

export type ServiceState = {
  readonly isRunning: boolean;
  /** As the manager says it: `active (running)`. */
  readonly detail: string;
  readonly since: string | null;
  readonly pid: number | null;
  /** The last lines of its log, oldest first. */
  readonly lines: readonly string[];
};

export type ServiceManager = {
  readonly title: "systemd" | "launchd" | "Task Scheduler";
  /** What the manager calls the service. */
  readonly id: string;
  /** The file that `install` writes. */
  readonly path: string;
  /** Where else a service may be that is not found there. */
  readonly elsewhere: string;
  readonly encoding: "utf8" | "utf16le";
  /** @throws UnwritableError */
  fileText(spec: ServiceSpec): string;
  /** Fails where the manager does not run. Null: it always does. */
  readonly probe: Call | null;
  /** What to do where it does not. */
  readonly absent: { readonly message: string; readonly hint: string };
  /** After the file was written: for the first time, or again. */
  readonly begin: readonly Call[];
  readonly change: readonly Call[];
  /** Before the file is removed, and after. */
  readonly end: readonly Call[];
  readonly ended: readonly Call[];
  /** Shows the log, as a person types it. */
  readonly logs: string;
  state(run: RunCall): ServiceState;
  /** What the person should know, each with its remedy. */
  notices(run: RunCall, spec: Pick<ServiceSpec, "account">): readonly string[];
};

/** What the makers of managers are told of this machine and its user. */
export type Machine = {
  readonly uid: number;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly user: string;
};

export type ManagerOptions = {
  /** `pipeloom`, or `pipeloom-<name>`. */
  readonly name: string;
  readonly environmentFile: string | null;
};

export const runCall: RunCall = ([program, ...args]) => {
  try {
    const { exitCode, stdout, stderr } = Bun.spawnSync([program, ...args], { stdin: "ignore" });
    return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
  } catch {
    return { code: 127, out: "", err: `${program} is not installed` };
  }
};
