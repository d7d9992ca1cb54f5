// launchd, macOS: an agent of the user, or a daemon of the machine where root installs it.

import { join } from "node:path";

import { commandWord } from "../../protocol/pipeloom-command.ts";
import { launchdPlist } from "../../serve/service/launchd-plist.ts";
import { lastLines } from "./last-lines.ts";
import type {
  Machine,
  ManagerOptions,
  RunCall,
  ServiceManager,
  ServiceState,
} from "./service-manager.ts";

export function launchd(
  { uid, home }: Machine,
  { name }: Pick<ManagerOptions, "name">,
): ServiceManager {
  const isOfMachine = uid === 0;
  const label = `com.github.pipeloom.${name}`;
  const library = isOfMachine ? "/Library" : join(home, "Library");
  const path = join(library, isOfMachine ? "LaunchDaemons" : "LaunchAgents", `${label}.plist`);
  const domain = isOfMachine ? "system" : `gui/${uid}`;
  const log = join(library, "Logs", `${name}.log`);
  return {
    title: "launchd",
    id: label,
    path,
    elsewhere: isOfMachine
      ? "an agent of a user is seen by that user: without sudo"
      : "a daemon of the machine is seen by root: with sudo",
    encoding: "utf8",
    fileText: (spec) => launchdPlist({ ...spec, label, log }),
    probe: ["launchctl", "print", domain],
    absent: {
      message: `launchd has no domain ${domain}: nobody is logged in at the screen`,
      hint: "log in there, or install a service of the machine: sudo pipeloom service install",
    },
    begin: [["launchctl", "bootstrap", domain, path]],
    change: [
      ["launchctl", "bootout", `${domain}/${label}`],
      ["launchctl", "bootstrap", domain, path],
    ],
    end: [["launchctl", "bootout", `${domain}/${label}`]],
    ended: [],
    logs: `tail -f ${commandWord(log)}`,
    state: (run) => stateOf(run, `${domain}/${label}`, log),
    notices: () => [
      ...(isOfMachine
        ? []
        : ["it runs while you are logged in; with sudo, it runs from the start of the machine"]),
      "launchd starts it again after wrong usage too: see the log",
    ],
  };
}

function stateOf(run: RunCall, target: string, log: string): ServiceState {
  const { code, out } = run(["launchctl", "print", target]);
  const valueOf = (name: string): string | undefined =>
    new RegExp(`^\\s*${name} = (.*)$`, "m").exec(out)?.[1];
  const state = code === 0 ? (valueOf("state") ?? "unknown") : "not loaded";
  const exit = valueOf("last exit code");
  const pid = Number(valueOf("pid") ?? 0);
  return {
    isRunning: state === "running",
    detail:
      exit === undefined || exit === "(never exited)" ? state : `${state}, last exit code ${exit}`,
    since: null,
    pid: pid > 0 ? pid : null,
    lines: lastLines(log),
  };
}
