// systemd: a unit of the user, or of the machine where root installs it.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { plural } from "../../base/text.ts";
import { systemdUnit } from "../../serve/service/systemd-unit.ts";
import { maxLogLines } from "./last-lines.ts";
import type {
  Call,
  Machine,
  ManagerOptions,
  RunCall,
  ServiceManager,
  ServiceState,
} from "./service-manager.ts";

export function systemd(
  { uid, home, env, user }: Machine,
  { name, environmentFile }: ManagerOptions,
): ServiceManager {
  const isOfMachine = uid === 0;
  const scope = isOfMachine ? [] : ["--user"];
  const id = `${name}.service`;
  const systemctl = (...args: string[]): Call => ["systemctl", ...scope, ...args];
  const folder = isOfMachine
    ? "/etc/systemd/system"
    : join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "systemd/user");
  const reload = systemctl("daemon-reload");
  return {
    title: "systemd",
    id,
    path: join(folder, id),
    elsewhere: isOfMachine
      ? "a service of a user is seen by that user: without sudo"
      : "a service of the machine is seen by root: with sudo",
    encoding: "utf8",
    fileText: (spec) => systemdUnit({ ...spec, environmentFile }),
    probe: systemctl("show", "--property=Version"),
    absent: absence(isOfMachine),
    begin: [reload, systemctl("enable", "--now", id)],
    change: [reload, systemctl("enable", id), systemctl("restart", id)],
    end: [systemctl("disable", "--now", id)],
    ended: [reload, systemctl("reset-failed", id)],
    logs: ["journalctl", ...scope, "-u", name, "-f"].join(" "),
    state: (run) => stateOf(run, systemctl, ["journalctl", ...scope, "-u", id], id),
    notices: (run, { account }) => {
      if (!isOfMachine) return lingerNotice(run, user);
      return account === null ? [asRoot] : [];
    },
  };
}

const asRoot =
  "it runs as root, and so does the code of the pipelines; as another account: --run-as <user>";

/** systemd may have booted the machine, and not run for this user: `su` opens no session. */
const absence = (isOfMachine: boolean): ServiceManager["absent"] =>
  existsSync("/run/systemd/system") && !isOfMachine
    ? {
        message: "systemd does not run for this user: there is no session",
        hint: "log in as this user (with ssh, not su); or without a login: sudo loginctl enable-linger <user>, then export XDG_RUNTIME_DIR=/run/user/$(id -u)",
      }
    : {
        message: "systemd does not run here, as in a container",
        hint: "let the container itself run pipeloom serve, with a restart policy; --dry-run shows the unit for another machine",
      };

const properties = [
  "ActiveState",
  "SubState",
  "MainPID",
  "ActiveEnterTimestamp",
  "NRestarts",
  "Result",
].map((property) => `--property=${property}`);

function stateOf(
  run: RunCall,
  systemctl: (...args: string[]) => Call,
  journal: Call,
  id: string,
): ServiceState {
  const { out } = run(systemctl("show", ...properties, id));
  const values = new Map(
    out.split("\n").map((line) => {
      const [name = "", ...value] = line.split("=");
      return [name, value.join("=")] as const;
    }),
  );
  const valueOf = (name: string): string => values.get(name) ?? "";
  const [active, sub, result] = [valueOf("ActiveState"), valueOf("SubState"), valueOf("Result")];
  const restarts = Number(valueOf("NRestarts") || 0);
  const details = [
    `${active || "unknown"}${sub === "" ? "" : ` (${sub})`}`,
    ...(result === "" || result === "success" ? [] : [result]),
    ...(restarts > 0 ? [plural(restarts, "restart")] : []),
  ];
  const pid = Number(valueOf("MainPID") || 0);
  const log = run([...journal, "-n", String(maxLogLines), "--no-pager", "-o", "cat"]);
  return {
    isRunning: active === "active",
    detail: details.join(", "),
    since: active === "active" ? valueOf("ActiveEnterTimestamp") || null : null,
    pid: pid > 0 ? pid : null,
    lines: log.code === 0 ? log.out.split("\n").filter((line) => line !== "") : [],
  };
}

/** Without it, the services of a user end with the last session. */
function lingerNotice(run: RunCall, user: string): string[] {
  const { code, out } = run(["loginctl", "show-user", user, "--property=Linger", "--value"]);
  if (code === 0 && out.trim() === "yes") return [];
  return [
    "it runs while you are logged in; to let it run from the start of the machine: loginctl enable-linger",
  ];
}
