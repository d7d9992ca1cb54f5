// A unit of systemd. Rules of quoting: systemd.syntax(7), systemd.service(5) "Command lines", systemd.unit(5) "Specifiers". Pure.

import { markLine } from "./service-mark.ts";
import { restartAfterS, type ServiceSpec, stopWithinS, UnwritableError } from "./service-spec.ts";

type SystemdSpec = ServiceSpec & {
  /** A file of variables, read by systemd at each start; absolute. */
  readonly environmentFile: string | null;
};

export function systemdUnit(spec: SystemdSpec): string {
  const { command, folder, environment, environmentFile, account, isOfMachine } = spec;
  const isPlain = isSafeProgram(command[0]) && isSafePath(folder);
  const lines = [
    `# ${markLine(spec)}`,
    "# Written by pipeloom service install, and removed by pipeloom service uninstall.",
    "[Unit]",
    "Description=Pipelines of pipeloom at the times of their schedules",
    // A service of a user cannot wait for the network: that is the machine's.
    ...(isOfMachine ? ["After=network-online.target", "Wants=network-online.target"] : []),
    "# What may pass by itself is tried again for as long as it takes. 2 is for a person: a file that is gone, a wrong flag.",
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    `ExecStart=${(isPlain ? execWords(command) : wrappedWords(command, folder)).join(" ")}`,
    ...(isPlain ? [`WorkingDirectory=${folder.replaceAll("%", "%%")}`] : []),
    ...Object.entries(environment).map(
      ([name, value]) => `Environment=${quoted(`${name}=${value}`)}`,
    ),
    ...(environmentFile === null ? [] : [`EnvironmentFile=${envFilePath(environmentFile)}`]),
    ...(account === null ? [] : [`User=${account}`]),
    "Restart=on-failure",
    "RestartPreventExitStatus=2",
    `RestartSec=${restartAfterS}`,
    "# serve tells the runs of slots itself, and waits for them. A run that was started on its page goes on.",
    "KillMode=process",
    `TimeoutStopSec=${stopWithinS}`,
    "",
    "[Install]",
    `WantedBy=${isOfMachine ? "multi-user.target" : "default.target"}`,
  ];
  return `${lines.join("\n")}\n`;
}

// eslint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f]/;

/** systemd refuses the others as a program. */
const isSafeProgram = (path: string): boolean => !control.test(path) && !/["'\\]/.test(path);

/** The value has no quoting: a line break or a backslash at its end would change the file, and spaces at its end are lost. */
const isSafePath = (path: string): boolean => !control.test(path) && !/[\\\s]$/.test(path);

/** The program is taken as it is; in its arguments, `$` begins a variable. */
const execWords = ([program, ...args]: ServiceSpec["command"]): string[] => [
  quoted(program),
  ...args.map((arg) => quoted(arg.replaceAll("$", "$$$$"))),
];

/** A shell enters the folder and becomes the program. */
const wrappedWords = (command: ServiceSpec["command"], folder: string): string[] =>
  execWords(["/bin/sh", "-c", 'cd -- "$0" && exec "$@"', folder, ...command]);

/** In double quotes, with the escapes of C. `%` begins a specifier. */
const quoted = (word: string): string =>
  // eslint-disable-next-line no-control-regex
  `"${word.replaceAll("%", "%%").replaceAll(/["\\\u0000-\u001f\u007f]/g, escaped)}"`;

function escaped(char: string): string {
  if (char === "\n") return "\\n";
  if (char === "\t") return "\\t";
  if (char === '"' || char === "\\") return `\\${char}`;
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** @throws UnwritableError */
function envFilePath(path: string): string {
  if (isSafePath(path)) return path.replaceAll("%", "%%");
  throw new UnwritableError(
    `systemd cannot read a file of variables with a control character, or a space or a backslash at its end, in its path: ${path}`,
  );
}
