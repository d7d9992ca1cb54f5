// `pipeloom service` by the executable, with a systemctl of the test's own, as a user who is not root: root would write into /etc.

import { expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ended, executable, newRig, type Ended, type Rig } from "../support/rig.ts";

setDefaultTimeout(60_000);

const isRoot = process.getuid?.() === 0;
/** A user without rights, where the test runs as root. */
const asUser = isRoot ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
const canBeUser =
  process.platform === "linux" &&
  (!isRoot || Bun.which("setpriv") !== null) &&
  Bun.spawnSync([...asUser, executable, "--version"]).exitCode === 0;

const fakeSystemctl = `#!/bin/sh
printf '%s\\n' "$*" >> "$FAKE/calls"
case "$*" in
  "--user enable --now"*|"--user restart"*) echo > "$FAKE/state" ;;
  "--user disable --now"*) rm -f "$FAKE/state" ;;
  "--user show --property=Version") echo Version=252 ;;
  *show*) if [ -e "$FAKE/state" ]; then printf 'ActiveState=active\\nSubState=running\\nMainPID=42\\n'; else printf 'ActiveState=inactive\\n'; fi ;;
esac
`;

function command(rig: Rig, args: readonly string[]): Promise<Ended> {
  const child = Bun.spawn([...asUser, ...rig.command("service", ...args)], {
    cwd: rig.file("job files"),
    env: {
      PATH: `${rig.file("bin")}:/usr/bin:/bin`,
      HOME: rig.file("home"),
      FAKE: rig.file("fake"),
      NO_COLOR: "1",
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  return ended(child);
}

function site(rig: Rig): void {
  for (const name of ["bin", "home", "fake", "job files"]) {
    mkdirSync(rig.file(name));
    chmodSync(rig.file(name), 0o777);
  }
  chmodSync(rig.path, 0o755);
  for (const name of ["systemctl", "journalctl", "loginctl"]) {
    writeFileSync(join(rig.file("bin"), name), fakeSystemctl);
    chmodSync(join(rig.file("bin"), name), 0o755);
  }
  writeFileSync(join(rig.file("job files"), "50%.ts"), "");
}

test.skipIf(!canBeUser)("install, status, a second install, uninstall", async () => {
  await using rig = newRig();
  site(rig);
  const unit = join(rig.file("home"), ".config/systemd/user/pipeloom.service");
  expect((await command(rig, ["status"])).code).toBe(1);
  const dry = await command(rig, ["install", "50%.ts", "--dry-run"]);
  expect(dry).toMatchObject({ code: 0, err: "" });
  expect(dry.out).toContain(`$ systemctl --user enable --now pipeloom.service`);
  expect(existsSync(unit)).toBeFalse();
  const done = await command(rig, ["install", "50%.ts", "--no-page"]);
  expect(done).toMatchObject({ code: 0, err: "" });
  expect(done.out).toContain("✔ pipeloom.service is installed (systemd), and runs");
  expect(done.out).toContain("loginctl enable-linger");
  expect(done.out).toContain("next: pipeloom service status");
  const text = readFileSync(unit, "utf8");
  expect(text).toContain(`"serve" "${rig.file("job files")}/50%%.ts" "--no-page"\n`);
  expect(text).toContain(`WorkingDirectory=${rig.file("job files")}\n`);
  expect((await command(rig, ["install", "50%.ts", "--no-page"])).out).toContain("nothing to do");
  const status = await command(rig, ["status", "--json"]);
  expect(status.code).toBe(0);
  expect(JSON.parse(status.out)).toMatchObject({
    installed: true,
    running: true,
    pid: 42,
    file: unit,
  });
  const changed = await command(rig, ["install", ".", "--max-runs", "4"]);
  expect(changed.out).toContain("was changed (systemd), and runs");
  expect(changed.out).toMatch(/^- ExecStart=.*50%%/m);
  expect(changed.out).toMatch(/^\+ ExecStart=.*"--max-runs" "4"$/m);
  const second = await command(rig, ["install", "50%.ts", "--name", "nightly"]);
  expect(second.out).toContain("next: pipeloom service status --name nightly");
  const removed = await command(rig, ["uninstall"]);
  expect(removed).toMatchObject({ code: 0, err: "" });
  expect(existsSync(unit)).toBeFalse();
  expect(existsSync(unit.replace("pipeloom.", "pipeloom-nightly."))).toBeTrue();
  expect((await command(rig, ["uninstall"])).out).toContain("is not installed: nothing to do");
});

test.skipIf(!canBeUser)("what makes no sense is refused, and nothing is called", async () => {
  await using rig = newRig();
  site(rig);
  writeFileSync(join(rig.file("job files"), "short.env"), "PIPELOOM_UI_TOKEN=x\n");
  const cases: [string[], string][] = [
    [["begin"], "<action> must be install, status or uninstall"],
    [["install", "none.ts"], "none.ts: no such file or folder"],
    [["install", "--name", "a/b"], "--name: it must be letters"],
    [["install", "--run-as", "ada"], "--run-as is for a service of the machine"],
    [["install", "--env-file", "none.env"], "--env-file none.env: no such file"],
    [["install", "--open"], "unknown flag --open"],
    [["install", "--webhook", "https://example.com/secret"], "--webhook would be in a file"],
    [["install", "--host", "0.0.0.0"], "--host 0.0.0.0 can be reached by others"],
    [["install", "--host", "0.0.0.0", "--env-file", "short.env"], "is too short"],
    [["status", "50%.ts"], "50%.ts goes with install, not with status"],
    [["uninstall", "--no-page"], "--no-page goes with install, not with uninstall"],
    [["install", "50%.ts", "--no-page", "--port", "1"], "--port is for the page"],
    [["status", "--dry-run"], "--dry-run goes with install and uninstall"],
    [["install", "--json"], "--json goes with status"],
  ];
  for (const [args, says] of cases) {
    const { code, err } = await command(rig, args);
    expect({ args, code, err }).toEqual({ args, code: 2, err: expect.stringContaining(says) });
  }
  expect(existsSync(join(rig.file("fake"), "calls"))).toBeFalse();
});
