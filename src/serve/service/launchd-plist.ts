// A job of launchd, macOS: launchd.plist(5). Pure.

import { markLine } from "./service-mark.ts";
import { restartAfterS, type ServiceSpec, stopWithinS } from "./service-spec.ts";
import { element } from "./xml-text.ts";

type LaunchdSpec = ServiceSpec & {
  readonly label: string;
  /** What serve writes. */
  readonly log: string;
};

export function launchdPlist(spec: LaunchdSpec): string {
  const { label, command, folder, environment, account, log } = spec;
  const variables = Object.entries(environment).flatMap(([name, value]) => [
    `    ${element("key", name)}`,
    `    ${element("string", value)}`,
  ]);
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    `<!-- ${markLine(spec)} -->`,
    '<plist version="1.0">',
    "<dict>",
    ...pair("Label", element("string", label)),
    ...pair("ProgramArguments", "<array>"),
    ...command.map((word) => `    ${element("string", word)}`),
    "  </array>",
    ...pair("WorkingDirectory", element("string", folder)),
    ...pair("EnvironmentVariables", "<dict>"),
    ...variables,
    "  </dict>",
    ...(account === null ? [] : pair("UserName", element("string", account))),
    ...pair("RunAtLoad", "<true/>"),
    ...pair("KeepAlive", "<dict>"),
    "    <key>SuccessfulExit</key>",
    "    <false/>",
    "  </dict>",
    ...pair("ThrottleInterval", element("integer", String(restartAfterS))),
    ...pair("ExitTimeOut", element("integer", String(stopWithinS))),
    ...pair("StandardOutPath", element("string", log)),
    ...pair("StandardErrorPath", element("string", log)),
    "</dict>",
    "</plist>",
  ];
  return `${lines.join("\n")}\n`;
}

const pair = (key: string, value: string): string[] => [`  ${element("key", key)}`, `  ${value}`];
