// Install and uninstall with a systemctl of the test's own: what is called, in which order, and what a failure leaves behind.

import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type {
  Call,
  RunCall,
  ServiceManager,
} from "../../../src/commands/service/service-manager.ts";
import { launchd } from "../../../src/commands/service/launchd.ts";
import {
  assertManager,
  install,
  installed,
  remove,
} from "../../../src/commands/service/service-steps.ts";
import {
  dryInstallLines,
  serviceData,
  statusLines,
} from "../../../src/commands/service/service-text.ts";
import { systemd } from "../../../src/commands/service/systemd.ts";
import { taskScheduler } from "../../../src/commands/service/task-scheduler.ts";
import { paletteOf } from "../../../src/base/palette.ts";
import type { ServiceSpec } from "../../../src/serve/service/service-spec.ts";
import { tempFolder, type TempFolder } from "../../support/temp-folder.ts";

const spec: ServiceSpec = {
  name: "pipeloom",
  command: ["/usr/bin/pipeloom", "serve", "/home/ada/etl.ts"],
  folder: "/home/ada",
  environment: { PATH: "/usr/bin" },
  account: null,
  isOfMachine: false,
};

/** Answers as systemd does, as far as `service` asks, and notes each call. */
const fakeSystemctl = `#!/bin/sh
[ "$1" = --user ] && shift
printf '%s\\n' "$(basename "$0") $*" >> "$FAKE/calls"
[ -e "$FAKE/fails" ] && case "$*" in *"$(cat "$FAKE/fails")"*) echo "Failed: no" >&2; exit 1 ;; esac
case "$*" in
  "enable --now"*|restart*) echo active > "$FAKE/state" ;;
  "disable --now"*) rm -f "$FAKE/state" ;;
  show*Version) echo Version=252 ;;
  show*) if [ -e "$FAKE/state" ]; then printf 'ActiveState=active\\nSubState=running\\nMainPID=42\\nActiveEnterTimestamp=Fri 2026-11-27 02:30:00 UTC\\nNRestarts=2\\nResult=success\\n'
    else printf 'ActiveState=failed\\nSubState=failed\\nMainPID=0\\nActiveEnterTimestamp=\\nNRestarts=0\\nResult=exit-code\\n'; fi ;;
  "-u"*) echo "line one"; echo "line two" ;;
  show-user*) echo no ;;
esac
`;

class Site implements Disposable {
  readonly #folder: TempFolder = tempFolder();
  readonly manager: ServiceManager;

  constructor() {
    const bin = join(this.path, "bin");
    mkdirSync(bin);
    for (const name of ["systemctl", "journalctl", "loginctl"]) {
      writeFileSync(join(bin, name), fakeSystemctl);
      chmodSync(join(bin, name), 0o755);
    }
    this.manager = systemd(
      { uid: 1000, home: this.path, env: {}, user: "ada" },
      { name: "pipeloom", environmentFile: null },
    );
  }

  get path(): string {
    return this.#folder.path;
  }

  readonly run: RunCall = ([program, ...args]: Call) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([join(this.path, "bin", program), ...args], {
      env: { PATH: process.env["PATH"] ?? "", FAKE: this.path },
    });
    return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
  };

  /** Since the last time. */
  calls(): string[] {
    const path = join(this.path, "calls");
    const lines = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
    writeFileSync(path, "");
    return lines.filter((line) => line !== "");
  }

  /** Calls with this text fail. Undefined: none. */
  fail(text: string): void {
    writeFileSync(join(this.path, "fails"), text);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

const neverAsked: RunCall = () => {
  throw new Error("asked systemd");
};

describe.skipIf(process.platform === "win32")("systemd", () => {
  test("install, a change, uninstall: each leaves the unit and the calls that it should", () => {
    using site = new Site();
    const { manager, run } = site;
    const path = join(site.path, ".config/systemd/user/pipeloom.service");
    expect(manager.path).toBe(path);
    install(manager, manager.fileText(spec), run);
    expect(readFileSync(path, "utf8")).toBe(manager.fileText(spec));
    expect(site.calls()).toEqual([
      "systemctl daemon-reload",
      "systemctl enable --now pipeloom.service",
    ]);
    expect(installed(manager)?.service.command).toEqual(spec.command);
    const other = manager.fileText({ ...spec, folder: "/home" });
    install(manager, other, run);
    expect(readFileSync(path, "utf8")).toBe(other);
    expect(site.calls()).toEqual([
      "systemctl daemon-reload",
      "systemctl enable pipeloom.service",
      "systemctl restart pipeloom.service",
    ]);
    remove(manager, run);
    expect(existsSync(path)).toBeFalse();
    expect(site.calls()).toEqual([
      "systemctl disable --now pipeloom.service",
      "systemctl daemon-reload",
      "systemctl reset-failed pipeloom.service",
    ]);
    expect(installed(manager)).toBeUndefined();
  });

  test("a service that does not start is not installed", () => {
    using site = new Site();
    const { manager, run } = site;
    site.fail("enable --now");
    expect(() => install(manager, manager.fileText(spec), run)).toThrow(
      "systemctl --user enable --now pipeloom.service failed: Failed: no",
    );
    expect(existsSync(manager.path)).toBeFalse();
    expect(site.calls().at(-2)).toBe("systemctl daemon-reload");
  });

  test("a change that does not start leaves the service as it was", () => {
    using site = new Site();
    const { manager, run } = site;
    const text = manager.fileText(spec);
    install(manager, text, run);
    site.fail("restart");
    expect(() => install(manager, manager.fileText({ ...spec, folder: "/x" }), run)).toThrow(
      "restart pipeloom.service failed",
    );
    expect(readFileSync(manager.path, "utf8")).toBe(text);
  });

  test("another program's unit of this name is left as it is", () => {
    using site = new Site();
    const { manager, run } = site;
    mkdirSync(join(manager.path, ".."), { recursive: true });
    writeFileSync(manager.path, "[Service]\nExecStart=/bin/true\n");
    expect(() => install(manager, manager.fileText(spec), run)).toThrow("so it is left as it is");
    expect(readFileSync(manager.path, "utf8")).toContain("/bin/true");
    expect(site.calls()).toEqual([]);
  });

  test("where no systemd runs, that is said, with what to do", () => {
    using site = new Site();
    site.fail("Version");
    expect(() => assertManager(site.manager, site.run)).toThrow(
      /systemd does not run .*\(Failed: no\)/,
    );
  });

  test("the state, and that it ends with the session", () => {
    using site = new Site();
    const { manager, run } = site;
    install(manager, manager.fileText(spec), run);
    const state = manager.state(run);
    expect(state).toEqual({
      isRunning: true,
      detail: "active (running), 2 restarts",
      since: "Fri 2026-11-27 02:30:00 UTC",
      pid: 42,
      lines: ["line one", "line two"],
    });
    expect(manager.notices(run, spec)).toEqual([expect.stringContaining("loginctl enable-linger")]);
    const seen = { manager, service: installed(manager)?.service, state };
    expect(statusLines(seen, paletteOf(0)).join("\n")).toBe(
      [
        "pipeloom.service runs: since Fri 2026-11-27 02:30:00 UTC, pid 42, active (running), 2 restarts",
        "  command /usr/bin/pipeloom serve /home/ada/etl.ts",
        "  folder  /home/ada",
        `  file    ${manager.path}`,
        "  logs    journalctl --user -u pipeloom -f",
        "",
        "last lines:",
        "  line one",
        "  line two",
      ].join("\n"),
    );
    remove(manager, run);
    expect(manager.state(run)).toMatchObject({ isRunning: false, since: null, pid: null });
    const none = { manager, service: undefined, state: undefined };
    expect(serviceData(none)).toMatchObject({ installed: false, running: false, command: null });
    expect(statusLines(none, paletteOf(0))).toEqual([
      `pipeloom.service is not installed (systemd): there is no ${manager.path}`,
      "  a service of the machine is seen by root: with sudo; to install it: pipeloom service install etl.ts",
    ]);
  });

  test("root installs a service of the machine", () => {
    const manager = systemd(
      { uid: 0, home: "/root", env: {}, user: "root" },
      { name: "pipeloom-nightly", environmentFile: "/etc/nightly.env" },
    );
    expect(manager.path).toBe("/etc/systemd/system/pipeloom-nightly.service");
    expect(manager.logs).toBe("journalctl -u pipeloom-nightly -f");
    expect(manager.notices(neverAsked, spec)).toEqual([expect.stringContaining("it runs as root")]);
    expect(manager.notices(neverAsked, { account: "ada" })).toEqual([]);
    expect(manager.begin.at(-1)).toEqual([
      "systemctl",
      "enable",
      "--now",
      "pipeloom-nightly.service",
    ]);
    expect(manager.fileText(spec)).toContain("EnvironmentFile=/etc/nightly.env\n");
  });
});

test("an empty variable is none", () => {
  const machine = { uid: 1000, home: "/home/ada", env: { XDG_CONFIG_HOME: "" }, user: "ada" };
  const { path } = systemd(machine, { name: "pipeloom", environmentFile: null });
  expect(path).toBe("/home/ada/.config/systemd/user/pipeloom.service");
});

test("a dry run shows the file, and of a change what differs", () => {
  const manager = systemd(
    { uid: 1000, home: "/home/ada", env: { XDG_CONFIG_HOME: "/home/ada/conf" }, user: "ada" },
    { name: "pipeloom", environmentFile: null },
  );
  const text = manager.fileText(spec);
  const colors = paletteOf(0);
  const first = dryInstallLines(manager, text, undefined, colors);
  expect(first[0]).toBe("/home/ada/conf/systemd/user/pipeloom.service:");
  expect(first.join("\n")).toContain(text);
  expect(first.at(-1)).toBe("$ systemctl --user enable --now pipeloom.service");
  const other = manager.fileText({ ...spec, folder: "/x" });
  const change = dryInstallLines(manager, other, text, colors);
  expect(change).toContain("- WorkingDirectory=/home/ada");
  expect(change).toContain("+ WorkingDirectory=/x");
  expect(change.at(-1)).toBe("$ systemctl --user restart pipeloom.service");
  expect(dryInstallLines(manager, text, text, colors)).toEqual([`${manager.path} stays as it is`]);
});

test("launchd: an agent of the user, a daemon for root, and its state", () => {
  const machine = { uid: 501, home: "/Users/ada", env: {}, user: "ada" };
  const agent = launchd(machine, { name: "pipeloom" });
  expect(agent.path).toBe("/Users/ada/Library/LaunchAgents/com.github.pipeloom.pipeloom.plist");
  expect(agent.begin).toEqual([["launchctl", "bootstrap", "gui/501", agent.path]]);
  expect(agent.logs).toBe("tail -f /Users/ada/Library/Logs/pipeloom.log");
  expect(agent.fileText(spec)).toContain("<string>/Users/ada/Library/Logs/pipeloom.log</string>");
  const printed =
    "gui/501/x = {\n\tstate = running\n\tpid = 77\n\tlast exit code = (never exited)\n}\n";
  expect(agent.state(() => ({ code: 0, out: printed, err: "" }))).toMatchObject({
    isRunning: true,
    detail: "running",
    pid: 77,
  });
  const failed = "\tstate = spawn scheduled\n\tlast exit code = 1\n";
  expect(agent.state(() => ({ code: 0, out: failed, err: "" }))).toMatchObject({
    isRunning: false,
    detail: "spawn scheduled, last exit code 1",
  });
  const gone = agent.state(() => ({ code: 113, out: "", err: "" }));
  expect(gone.detail).toBe("not loaded");
  const daemon = launchd({ ...machine, uid: 0 }, { name: "pipeloom" });
  expect(daemon.path).toBe("/Library/LaunchDaemons/com.github.pipeloom.pipeloom.plist");
});

test("Task Scheduler: a task, its log, and its state in any language", () => {
  const machine = { uid: -1, home: "C:\\Users\\Ada", env: { USERDOMAIN: "HOME" }, user: "Ada" };
  const manager = taskScheduler(machine, { name: "pipeloom" });
  expect(manager.path).toBe("C:\\Users\\Ada\\AppData\\Local\\pipeloom\\pipeloom.xml");
  expect(manager.begin).toEqual([
    ["schtasks", "/Create", "/TN", "\\pipeloom\\pipeloom", "/XML", manager.path, "/F"],
    ["schtasks", "/Run", "/TN", "\\pipeloom\\pipeloom"],
  ]);
  const task = manager.fileText({ ...spec, command: ["C:\\p.exe", "serve", "C:\\jobs"] });
  expect(task).toContain(
    "serve C:\\jobs --log-file C:\\Users\\Ada\\AppData\\Local\\pipeloom\\pipeloom.log<",
  );
  expect(task).toContain("<UserId>HOME\\Ada</UserId>");
  const stateOf = (code: number, out: string) => manager.state(() => ({ code, out, err: "" }));
  expect(stateOf(0, "Running\r\n")).toMatchObject({ isRunning: true, detail: "running" });
  expect(stateOf(0, "Ready\r\n")).toMatchObject({ isRunning: false, detail: "ready" });
  expect(stateOf(1, "")).toMatchObject({ isRunning: false, detail: "not registered" });
});
