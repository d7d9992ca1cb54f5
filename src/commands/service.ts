// `pipeloom service install|status|uninstall`: keeps `pipeloom serve` running, by systemd, launchd or Task Scheduler.
// src/commands/service/service-text.ts documents the shape of `--json`.

import { homedir, userInfo } from "node:os";

import { JSON } from "../base/globals.ts";
import { colorLevel, type Palette, paletteOf } from "../base/palette.ts";
import { pathOf } from "../base/path.ts";
import { visible } from "../base/text.ts";
import { assertNever } from "../base/unreachable.ts";
import { defineCliCommand } from "../cli/command.ts";
import { defineFlags, type Flags } from "../cli/flag-defs.ts";
import { print } from "../cli/stdout.ts";
import { UserError } from "../cli/user-error.ts";
import { pipeloomCommand } from "../protocol/pipeloom-command.ts";
import { type ServiceSpec, UnwritableError } from "../serve/service/service-spec.ts";
import { assertPageFlags, serveFlags } from "./serve-flags.ts";
import { launchd } from "./service/launchd.ts";
import { serveWords } from "./service/serve-words.ts";
import {
  assertServiceFlags,
  checkAccount,
  assertServable,
  checkServiceName,
} from "./service/service-flags.ts";
import {
  type Machine,
  type ManagerOptions,
  runCall,
  type ServiceManager,
  type ServiceState,
} from "./service/service-manager.ts";
import { assertManager, install, installed, remove } from "./service/service-steps.ts";
import {
  commandText,
  diffLines,
  dryInstallLines,
  dryRemoveLines,
  serviceData,
  statusLines,
} from "./service/service-text.ts";
import { serviceName, serviceOf } from "./service/service-of.ts";
import { systemd } from "./service/systemd.ts";
import { taskScheduler } from "./service/task-scheduler.ts";

/** A service has no browser to open. */
const { open: _, ...ofServe } = serveFlags;

const args = defineFlags({
  action: {
    type: "positional",
    options: ["install", "status", "uninstall"],
    description: "what to do",
  },
  target: {
    type: "positional",
    repeat: true,
    required: false,
    valueHint: "file or folder",
    description: "of install: what serve is to serve; default: this folder",
  },
  name: {
    type: "string",
    valueHint: "name",
    description: "of a further service beside the first one",
    check: checkServiceName,
  },
  dryRun: { type: "boolean", description: "show the file and the calls; change nothing" },
  envFile: {
    type: "string",
    valueHint: "file",
    description: "variables that systemd reads at each start, such as tokens",
  },
  runAs: {
    type: "string",
    valueHint: "user",
    defaultHint: "who called sudo",
    description: "the account that a service of the machine runs under",
    check: checkAccount,
  },
  json: { type: "boolean", description: "of status: print one JSON object" },
  ...ofServe,
});

type ServiceFlags = Flags<typeof args>;

export const command = defineCliCommand({
  meta: {
    name: "service",
    details:
      "Installs `pipeloom serve` with these files and flags as a service, which starts by itself and again after a failure, and ends its runs in order: by systemd as a unit of the user, or of the machine for root; by launchd; by Task Scheduler. A second install changes it. The variables of a pipeline are best in the .env beside its file, which each run reads.",
    examples: [
      {
        line: "pipeloom service install etl.ts --dry-run",
        what: "what would be written and called",
      },
      {
        line: "pipeloom service install jobs/",
        what: "serve the pipelines of a folder from now on",
      },
      { line: "pipeloom service status", what: "whether it runs, and the end of its log" },
    ],
  },
  args,
  async run(flags) {
    assertServiceFlags(flags, serveWords(ofServe, flags, process.cwd()), userInfo().uid);
    assertPageFlags(flags);
    if (flags.action === "install") await assertServable(flags);
    const manager = managerOf(flags);
    const colors = paletteOf(colorLevel(process.env, process.stdout.isTTY));
    return act(flags, manager, colors);
  },
});

async function act(flags: ServiceFlags, manager: ServiceManager, colors: Palette): Promise<number> {
  switch (flags.action) {
    case "install":
      return flags.dryRun
        ? showInstall(flags, manager, colors)
        : await installService(flags, manager, colors);
    case "status":
      return showStatus(flags, manager, colors);
    case "uninstall":
      return uninstallService(flags, manager);
    default:
      return assertNever(flags.action);
  }
}

function managerOf({ name, envFile }: ServiceFlags): ServiceManager {
  const { uid, username } = userInfo();
  const machine: Machine = { uid, home: homedir(), env: process.env, user: username };
  const options: ManagerOptions = {
    name: serviceName(name),
    environmentFile: envFile === undefined ? null : pathOf(envFile, process.cwd()),
  };
  const { platform } = process;
  if (platform === "darwin") return launchd(machine, options);
  return platform === "win32" ? taskScheduler(machine, options) : systemd(machine, options);
}

/** @throws UserError for a path that the file cannot hold */
function textOf(manager: ServiceManager, spec: ServiceSpec): string {
  try {
    return manager.fileText(spec);
  } catch (thrown) {
    if (thrown instanceof UnwritableError) throw new UserError(thrown.message);
    throw thrown;
  }
}

function showInstall(flags: ServiceFlags, manager: ServiceManager, colors: Palette): number {
  const text = textOf(manager, serviceOf(flags, serveWords(ofServe, flags, process.cwd())));
  say(dryInstallLines(manager, text, installed(manager)?.text, colors));
  return 0;
}

async function installService(
  flags: ServiceFlags,
  manager: ServiceManager,
  colors: Palette,
): Promise<number> {
  const spec = serviceOf(flags, serveWords(ofServe, flags, process.cwd()));
  const text = textOf(manager, spec);
  const before = installed(manager)?.text;
  assertManager(manager, runCall);
  const { id, path, logs, title } = manager;
  if (before === text && manager.state(runCall).isRunning) {
    say([`${id} is installed so already, and runs: nothing to do`]);
    return 0;
  }
  if (before !== undefined && before !== text) {
    say([`${path} changes:`, ...diffLines(before, text, colors), ""]);
  }
  install(manager, text, runCall);
  const { isRunning, detail, lines } = await settledState(manager);
  const icon = isRunning ? colors.green("✔") : colors.red("✖");
  const done =
    before === undefined ? "is installed" : before === text ? "was started again" : "was changed";
  say([
    `${icon} ${id} ${done} (${title}), and ${isRunning ? "runs" : `does not run: ${detail}`}`,
    `  ${commandText(spec)}`,
    `  file  ${path}`,
    `  logs  ${logs}`,
    ...manager.notices(runCall, spec).map((notice) => `  note  ${notice}`),
    ...(isRunning ? [] : lines.map((line) => `  | ${visible(line)}`)),
    "",
    `next: ${colors.cyan(pipeloomCommand("service", "status", ...nameFlag(flags)))}`,
  ]);
  return isRunning ? 0 : 1;
}

const looks = 10;
const lookEveryMs = 100;

/** A program that cannot begin has started, too, for a moment. */
async function settledState(manager: ServiceManager): Promise<ServiceState> {
  let state = manager.state(runCall);
  for (let look = 1; look < looks && state.isRunning; look++) {
    await Bun.sleep(lookEveryMs);
    state = manager.state(runCall);
  }
  return state;
}

const nameFlag = ({ name }: ServiceFlags): string[] => (name === undefined ? [] : ["--name", name]);

function showStatus({ json }: ServiceFlags, manager: ServiceManager, colors: Palette): number {
  const service = installed(manager)?.service;
  const state = service === undefined ? undefined : manager.state(runCall);
  const seen = { manager, service, state };
  if (json) print(`${JSON.stringify(serviceData(seen), null, 2)}\n`);
  else say(statusLines(seen, colors));
  return state?.isRunning === true ? 0 : 1;
}

function uninstallService({ dryRun }: ServiceFlags, manager: ServiceManager): number {
  const { id, path } = manager;
  if (installed(manager) === undefined) {
    say([`${id} is not installed: nothing to do`, `  there is no ${path}; ${manager.elsewhere}`]);
    return 0;
  }
  if (dryRun) {
    say(dryRemoveLines(manager));
    return 0;
  }
  remove(manager, runCall);
  say([`${id} was ended, and ${path} removed; databases and logs stay`]);
  return 0;
}

const say = (lines: readonly string[]): void => print(`${lines.join("\n")}\n`);
