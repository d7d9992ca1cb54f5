// A task of Windows' Task Scheduler, in its schema 1.2. Pure.

import { markLine } from "./service-mark.ts";
import { type ServiceSpec, UnwritableError } from "./service-spec.ts";
import { element } from "./xml-text.ts";

type TaskSpec = Pick<ServiceSpec, "command" | "folder"> & {
  /** `DOMAIN\user` */
  readonly user: string;
};

/** The most that the schema allows: a failure is tried again for hours. */
const restarts = 255;

/** That of a program that a person starts. The default, 7, is for work in the background: less of the processor, and of the disk. */
const normalPriority = 5;

/** To be encoded as UTF-16, as `schtasks /create /xml` reads it. */
export function taskXml(spec: TaskSpec): string {
  const lines = [
    '<?xml version="1.0" encoding="UTF-16"?>',
    `<!-- ${markLine(spec)} -->`,
    '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
    "  <RegistrationInfo>",
    "    <Description>Pipelines of pipeloom at the times of their schedules</Description>",
    "  </RegistrationInfo>",
    ...beginning(spec.user),
    "  <Settings>",
    "    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>",
    "    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>",
    "    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>",
    "    <AllowHardTerminate>true</AllowHardTerminate>",
    "    <StartWhenAvailable>true</StartWhenAvailable>",
    "    <AllowStartOnDemand>true</AllowStartOnDemand>",
    "    <Enabled>true</Enabled>",
    "    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>",
    `    <Priority>${normalPriority}</Priority>`,
    "    <RestartOnFailure>",
    "      <Interval>PT1M</Interval>",
    `      <Count>${restarts}</Count>`,
    "    </RestartOnFailure>",
    "  </Settings>",
    ...action(spec),
    "</Task>",
  ];
  return `${lines.join("\r\n")}\r\n`;
}

/** When the user logs on, as this user. */
const beginning = (user: string): string[] => [
  "  <Triggers>",
  "    <LogonTrigger>",
  "      <Enabled>true</Enabled>",
  `      ${element("UserId", user)}`,
  "    </LogonTrigger>",
  "  </Triggers>",
  "  <Principals>",
  '    <Principal id="Author">',
  `      ${element("UserId", user)}`,
  "      <LogonType>InteractiveToken</LogonType>",
  "      <RunLevel>LeastPrivilege</RunLevel>",
  "    </Principal>",
  "  </Principals>",
];

const action = ({ command: [program, ...args], folder }: TaskSpec): string[] => [
  '  <Actions Context="Author">',
  "    <Exec>",
  `      ${element("Command", unexpanded(program))}`,
  `      ${element("Arguments", args.map((arg) => windowsWord(unexpanded(arg))).join(" "))}`,
  `      ${element("WorkingDirectory", unexpanded(folder))}`,
  "    </Exec>",
  "  </Actions>",
];

/**
 * The scheduler has no way to write these as they are.
 * @throws UnwritableError
 */
function unexpanded(text: string): string {
  const [found] = /%[^%]+%|\$\(/.exec(text) ?? [];
  if (found === undefined) return text;
  throw new UnwritableError(
    `Task Scheduler would replace ${found} by a variable in ${text}; rename the file or the folder`,
  );
}

/** As CommandLineToArgvW reads it back: backslashes count only before a quote. */
const windowsWord = (word: string): string =>
  /^[^\s"]+$/.test(word)
    ? word
    : `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
