// The files of systemd, launchd and Task Scheduler: hostile paths are read back as they were.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { launchdPlist } from "../../../src/serve/service/launchd-plist.ts";
import { markedService, markLine } from "../../../src/serve/service/service-mark.ts";
import type { ServiceSpec } from "../../../src/serve/service/service-spec.ts";
import { systemdUnit } from "../../../src/serve/service/systemd-unit.ts";
import { taskXml } from "../../../src/serve/service/task-xml.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { type Element, elementAt, parseXml, textAt } from "../../support/xml.ts";

const spec = (more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  name: "pipeloom",
  command: ["/usr/bin/pipeloom", "serve", "/home/ada/etl.ts"],
  folder: "/home/ada",
  environment: { PATH: "/usr/bin:/bin" },
  account: null,
  isOfMachine: false,
  ...more,
});

const names = [
  "plain",
  "with space",
  "per%cent %h %n",
  "quo\"te'd",
  "dol$lar $HOME ${HOME}",
  "new\nline",
  "tab\tx",
  "ünï ☃ 𝄞",
  "back\\slash",
  "end\\",
  "end ",
  "; semi",
  "-dash --x",
  "#hash",
  "<xml> & co",
];

const unitOf = (more: Partial<ServiceSpec> = {}, environmentFile: string | null = null): string =>
  systemdUnit({ ...spec(more), environmentFile });

const valueOf = (unit: string, key: string): string[] =>
  unit
    .split("\n")
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));

const programOf = (path: string): string[] =>
  valueOf(unitOf({ command: [path, "serve"] }), "ExecStart");

describe("a systemd unit", () => {
  // What systemd 252 has been seen to start with the same arguments, working folder and variables.
  test.each([
    ["per%cent $x", String.raw`"/p" "serve" "/per%%cent $$x"`, ["/per%%cent $x"]],
    ["with space", `"/p" "serve" "/with space"`, ["/with space"]],
    ['quo"te', String.raw`"/p" "serve" "/quo\"te"`, ['/quo"te']],
    ["; #", `"/p" "serve" "/; #"`, ["/; #"]],
    // The value of WorkingDirectory has no quoting, so a shell enters the folder.
    [
      "new\nline",
      String.raw`"/bin/sh" "-c" "cd -- \"$$0\" && exec \"$$@\"" "/new\nline" "/p" "serve" "/new\nline"`,
      [],
    ],
    [
      "end\\",
      String.raw`"/bin/sh" "-c" "cd -- \"$$0\" && exec \"$$@\"" "/end\\" "/p" "serve" "/end\\"`,
      [],
    ],
  ])("of %p", (name, exec, folder) => {
    const unit = unitOf({ command: ["/p", "serve", `/${name}`], folder: `/${name}` });
    expect(valueOf(unit, "ExecStart")).toEqual([exec]);
    expect(valueOf(unit, "WorkingDirectory")).toEqual(folder);
  });

  test("the program is taken as it is, unless systemd refuses it", () => {
    expect(programOf("/a$b/pipeloom")).toEqual(['"/a$b/pipeloom" "serve"']);
    expect(programOf("/it's/pipeloom")[0]).toStartWith('"/bin/sh" "-c"');
  });

  test("a failure is tried again, wrong usage is not; the runs of the page are not killed", () => {
    const unit = unitOf();
    expect(valueOf(unit, "Restart")).toEqual(["on-failure"]);
    expect(valueOf(unit, "RestartPreventExitStatus")).toEqual(["2"]);
    expect(valueOf(unit, "KillMode")).toEqual(["process"]);
  });

  test("of the user, of the machine, under an account, with variables", () => {
    const own = unitOf();
    expect(valueOf(own, "WantedBy")).toEqual(["default.target"]);
    expect(own).not.toContain("network-online");
    const machine = unitOf({ isOfMachine: true, account: "ada" }, "/etc/50% of it.env");
    expect(valueOf(machine, "WantedBy")).toEqual(["multi-user.target"]);
    expect(valueOf(machine, "User")).toEqual(["ada"]);
    expect(valueOf(machine, "EnvironmentFile")).toEqual(["/etc/50%% of it.env"]);
    expect(valueOf(machine, "Environment")).toEqual(['"PATH=/usr/bin:/bin"']);
    expect(() => unitOf({}, "/a\nb")).toThrow("systemd cannot read a file of variables");
  });

  test.skipIf(Bun.which("systemd-analyze") === null)(
    "systemd-analyze verify finds nothing wrong, whatever the path",
    async () => {
      using folder = tempFolder();
      for (const [index, name] of names.entries()) {
        const path = join(folder.path, `${index}.service`);
        const place = join(folder.path, name);
        await Bun.write(join(place, "pipeloom"), "#!/bin/sh\n");
        Bun.spawnSync(["chmod", "+x", join(place, "pipeloom")]);
        const command = [join(place, "pipeloom"), "serve", name, "; ", ""] as const;
        const variables = { PATH: `/bin:${place}` };
        await Bun.write(
          path,
          unitOf({ command: [...command], folder: place, environment: variables }),
        );
        const { exitCode, stderr } = Bun.spawnSync(["systemd-analyze", "verify", path]);
        expect([name, exitCode, stderr.toString()]).toEqual([name, 0, ""]);
      }
    },
    60_000,
  );

  test.skipIf(Bun.which("systemd-analyze") === null)(
    "it notices a program that is not there, so the paths are read",
    async () => {
      using folder = tempFolder();
      const path = join(folder.path, "x.service");
      await Bun.write(path, unitOf({ command: ["/no/such$x/pipeloom", "serve"] }));
      const { stderr } = Bun.spawnSync(["systemd-analyze", "verify", path]);
      expect(stderr.toString()).toContain("/no/such$x/pipeloom");
    },
    60_000,
  );
});

const strings = ({ children }: Element): string[] => children.map(({ text }) => text);

/** A plist's dictionary. */
const entries = (dict: Element): Record<string, Element> =>
  Object.fromEntries(
    dict.children.flatMap((child, i) => {
      const value = dict.children[i + 1];
      return child.name === "key" && value !== undefined ? [[child.text, value] as const] : [];
    }),
  );

const jobOf = (more: Partial<ServiceSpec>): Record<string, Element> => {
  const xml = launchdPlist({ ...spec(more), label: "com.github.pipeloom.x", log: "/l & m.log" });
  const [dict] = parseXml(xml).children;
  if (dict === undefined) throw new Error("no dict");
  return entries(dict);
};

describe("a launchd job", () => {
  test.each(names)("of %p is read back", (name) => {
    const command = ["/usr/bin/pipeloom", "serve", `/x/${name}`, name] as const;
    const environment = { PATH: `/bin:/${name}` };
    const job = jobOf({ command: [...command], folder: `/x/${name}`, environment });
    expect(strings(job["ProgramArguments"] as Element)).toEqual([...command]);
    expect(job["WorkingDirectory"]?.text).toBe(`/x/${name}`);
    expect(job["StandardErrorPath"]?.text).toBe("/l & m.log");
    const variables = entries(job["EnvironmentVariables"] as Element);
    expect(variables["PATH"]?.text).toBe(`/bin:/${name}`);
  });

  test("it starts again after a failure only", () => {
    const job = jobOf({});
    expect(job["RunAtLoad"]?.name).toBe("true");
    expect(entries(job["KeepAlive"] as Element)["SuccessfulExit"]?.name).toBe("false");
    expect(job["UserName"]).toBeUndefined();
    expect(jobOf({ account: "ada" })["UserName"]?.text).toBe("ada");
  });

  test("a character that XML does not have is refused", () => {
    expect(() => jobOf({ folder: "/a\u0001b" })).toThrow(
      'cannot be in this file, which is XML: "/a',
    );
  });
});

/** By the rules of CommandLineToArgvW. */
function windowsWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let isQuoted = false;
  for (let i = 0; i < line.length; i++) {
    const [slashes = ""] = /^\\*/.exec(line.slice(i)) ?? [];
    const next = line[i + slashes.length];
    if (slashes !== "" && next === '"') {
      word = (word ?? "") + "\\".repeat(Math.floor(slashes.length / 2));
      if (slashes.length % 2 === 1) word += '"';
      else isQuoted = !isQuoted;
      i += slashes.length;
    } else if (slashes !== "") {
      word = (word ?? "") + slashes;
      i += slashes.length - 1;
    } else if (next === '"') {
      isQuoted = !isQuoted;
      word ??= "";
    } else if (/\s/.test(next ?? "") && !isQuoted) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + (next ?? "");
  }
  return word === undefined ? words : [...words, word];
}

const taskOf = (command: ServiceSpec["command"], folder = "C:\\jobs"): Element =>
  parseXml(taskXml({ command, folder, user: "HOME\\Ada & Co" }));

describe("a task of Task Scheduler", () => {
  test.each([
    ["C:\\jobs\\etl.ts"],
    ["C:\\my jobs\\"],
    ["C:\\Jürgen's <jobs> & ☃"],
    ["100%"],
    ['--webhook=https://example.com/?a=1&b="2"'],
    [""],
    ["ends\\\\"],
    ['a \\"b'],
  ])("%p is read back", (word) => {
    const task = taskOf(["C:\\Program Files\\pipeloom.exe", "serve", word]);
    const exec = ["Actions", "Exec"] as const;
    expect(textAt(task, ...exec, "Command")).toBe("C:\\Program Files\\pipeloom.exe");
    expect(windowsWords(textAt(task, ...exec, "Arguments"))).toEqual(["serve", word]);
    expect(textAt(task, "Principals", "Principal", "UserId")).toBe("HOME\\Ada & Co");
  });

  test("its parts are those of the schema, in its order where that has one, and it has the priority of a program", () => {
    const task = taskOf(["C:\\pipeloom.exe", "serve"]);
    const namesIn = (...path: string[]): string[] =>
      elementAt(task, ...path).children.map(({ name }) => name);
    // xs:sequence: Enabled, StartBoundary, EndBoundary, Repetition, ExecutionTimeLimit, UserId, Delay.
    expect(namesIn("Triggers", "LogonTrigger")).toEqual(["Enabled", "UserId"]);
    // xs:sequence.
    expect(namesIn("Settings", "RestartOnFailure")).toEqual(["Interval", "Count"]);
    // xs:all.
    expect(namesIn("Settings").toSorted()).toEqual([
      "AllowHardTerminate",
      "AllowStartOnDemand",
      "DisallowStartIfOnBatteries",
      "Enabled",
      "ExecutionTimeLimit",
      "MultipleInstancesPolicy",
      "Priority",
      "RestartOnFailure",
      "StartWhenAvailable",
      "StopIfGoingOnBatteries",
    ]);
    expect(textAt(task, "Settings", "Priority")).toBe("5");
  });

  test.each(["C:\\%TEMP%\\x", "C:\\$(Arg0)"])("%p would be replaced, so it is refused", (path) => {
    expect(() => taskOf(["p.exe", "serve", path])).toThrow("Task Scheduler would replace");
    expect(() => taskOf(["p.exe"], path)).toThrow("Task Scheduler would replace");
  });
});

test.each(names)("whose file it is, and what it runs, is found in it: %p", (name) => {
  const service = { command: ["/p", "serve", name], folder: `/${name}` } as const;
  const line = markLine({ command: [...service.command], folder: service.folder });
  // eslint-disable-next-line no-control-regex
  expect(line).toMatch(/^[\u0020-\u007e]+$/);
  expect(line).not.toContain("--");
  expect(markedService(`<!-- ${line} -->\r\n<x/>`)).toEqual({
    command: [...service.command],
    folder: service.folder,
  });
});

test.each([
  "",
  "[Service]\nExecStart=/bin/true",
  'pipeloom service: {"version":1}',
  "pipeloom service: {x}",
])("%p is another program's file", (text) => expect(markedService(text)).toBeUndefined());
