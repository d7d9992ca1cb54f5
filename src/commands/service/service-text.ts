// What `service` prints, as text and as data. Pure.
//
// `status --json`, one object:
//
//   { "version": 1, "name", "manager": "systemd" | "launchd" | "Task Scheduler", "file", "installed": boolean, "running": boolean,
//     "detail": "active (running)", "since": text | null, "pid": number | null, "command": [word] | null, "folder": path | null,
//     "logs": command, "lines": [text] }
//
// JSON Schema: .github/schemas/service.v1.schema.json.

import { lineDiff } from "../../base/line-diff.ts";
import type { Palette } from "../../base/palette.ts";
import { shellWord } from "../../base/shell-words.ts";
import { visible } from "../../base/text.ts";
import { markedService, type MarkedService } from "../../serve/service/service-mark.ts";
import type { ServiceManager, ServiceState } from "./service-manager.ts";
import { callText } from "./service-steps.ts";

const serviceVersion = 1;

type SeenService = {
  readonly manager: ServiceManager;
  readonly service: MarkedService | undefined;
  readonly state: ServiceState | undefined;
};

export const serviceData = ({ manager, service, state }: SeenService): object => ({
  version: serviceVersion,
  name: manager.id,
  manager: manager.title,
  file: manager.path,
  installed: service !== undefined,
  running: state?.isRunning ?? false,
  detail: state?.detail ?? "not installed",
  since: state?.since ?? null,
  pid: state?.pid ?? null,
  command: service?.command ?? null,
  folder: service?.folder ?? null,
  logs: manager.logs,
  lines: state?.lines ?? [],
});

export const commandText = ({ command }: Pick<MarkedService, "command">): string =>
  command.map(shellWord).join(" ");

const rows = (labelled: readonly (readonly [string, string])[]): string[] =>
  labelled.map(([label, text]) => `  ${label.padEnd(7)} ${visible(text)}`);

export function statusLines({ manager, service, state }: SeenService, colors: Palette): string[] {
  const { id, path, logs } = manager;
  if (service === undefined || state === undefined) {
    return notInstalledLines(manager);
  }
  const { isRunning, since, pid, detail, lines } = state;
  const about = [
    ...(since === null ? [] : [`since ${since}`]),
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(isRunning && detail === "active (running)" ? [] : [detail]),
  ];
  const verdict = isRunning ? colors.green("runs") : colors.red("does not run");
  return [
    `${id} ${verdict}${about.length === 0 ? "" : `: ${about.join(", ")}`}`,
    ...rows([
      ["command", commandText(service)],
      ["folder", service.folder],
      ["file", path],
      ["logs", logs],
    ]),
    ...(lines.length === 0
      ? []
      : ["", "last lines:", ...lines.map((line) => `  ${visible(line)}`)]),
  ];
}

/** People forget `sudo`. */
const notInstalledLines = ({ id, title, path, elsewhere }: ServiceManager): string[] => [
  `${id} is not installed (${title}): there is no ${path}`,
  `  ${elsewhere}; to install it: pipeloom service install etl.ts`,
];

/** What `install` would do: the whole file, or how it changes. */
export function dryInstallLines(
  manager: ServiceManager,
  text: string,
  before: string | undefined,
  colors: Palette,
): string[] {
  if (before === text) return [`${manager.path} stays as it is`];
  const calls = before === undefined ? manager.begin : manager.change;
  const lines =
    before === undefined ? text.trimEnd().split(/\r?\n/) : diffLines(before, text, colors);
  return [
    `${manager.path}${before === undefined ? ":" : " changes:"}`,
    "",
    ...lines,
    "",
    ...calls.map((call) => `$ ${callText(call)}`),
  ];
}

export function diffLines(before: string, after: string, colors: Palette): string[] {
  const diff = lineDiff(withoutMark(before), withoutMark(after));
  if (diff === undefined) return after.trimEnd().split(/\r?\n/);
  return diff.map(({ kind, text }) => {
    const line = text.replace(/\r$/, "");
    if (kind === "removed") return colors.red(`- ${line}`);
    if (kind === "added") return colors.green(`+ ${line}`);
    return kind === "gap" ? colors.dim("  …") : `  ${line}`;
  });
}

/** It says again what the lines below it say. */
const withoutMark = (text: string): string =>
  text
    .split("\n")
    .filter((line) => markedService(line) === undefined)
    .join("\n");

export const dryRemoveLines = ({ path, end, ended }: ServiceManager): string[] => [
  ...end.map((call) => `$ ${callText(call)}`),
  `$ rm ${shellWord(path)}`,
  ...ended.map((call) => `$ ${callText(call)}`),
];
