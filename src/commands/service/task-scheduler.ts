// Task Scheduler, Windows: a task that starts when the user logs on.

import { win32 } from "node:path";

import { taskXml } from "../../serve/service/task-xml.ts";
import { lastLines } from "./last-lines.ts";
import type {
  Call,
  Machine,
  ManagerOptions,
  RunCall,
  ServiceManager,
  ServiceState,
} from "./service-manager.ts";

export function taskScheduler(
  { home, env, user }: Machine,
  { name }: Pick<ManagerOptions, "name">,
): ServiceManager {
  const id = `\\pipeloom\\${name}`;
  const folder = win32.join(env["LOCALAPPDATA"] || win32.join(home, "AppData\\Local"), "pipeloom");
  const path = win32.join(folder, `${name}.xml`);
  const log = win32.join(folder, `${name}.log`);
  const domain = env["USERDOMAIN"];
  const create: Call = ["schtasks", "/Create", "/TN", id, "/XML", path, "/F"];
  const end: Call = ["schtasks", "/End", "/TN", id];
  const start: Call = ["schtasks", "/Run", "/TN", id];
  return {
    title: "Task Scheduler",
    id,
    path,
    elsewhere: "a task of another user is seen by that user",
    encoding: "utf16le",
    fileText: ({ command, folder: working }) =>
      taskXml({
        // The scheduler keeps no output.
        command: [...command, ...(command.includes("--log-file") ? [] : ["--log-file", log])],
        folder: working,
        user: domain === undefined ? user : `${domain}\\${user}`,
      }),
    probe: null,
    absent: { message: "Task Scheduler does not answer", hint: "see schtasks /Query" },
    begin: [create, start],
    change: [end, create, start],
    end: [end, ["schtasks", "/Delete", "/TN", id, "/F"]],
    ended: [],
    logs: `Get-Content -Wait '${log.replaceAll("'", "''")}'`,
    state: (run) => stateOf(run, name, log),
    notices: () => [
      "it runs while you are logged on; when the task is ended, serve ends at once, and its runs go on to their end",
    ],
  };
}

/** The words of schtasks are those of the user's language; these are not. */
function stateOf(run: RunCall, name: string, log: string): ServiceState {
  const task = `(Get-ScheduledTask -TaskPath '\\pipeloom\\' -TaskName '${name}').State`;
  const { code, out } = run(["powershell", "-NoProfile", "-NonInteractive", "-Command", task]);
  const status = out.trim();
  const isThere = code === 0 && status !== "";
  return {
    isRunning: isThere && status === "Running",
    detail: isThere ? status.toLowerCase() : "not registered",
    since: null,
    pid: null,
    lines: lastLines(log),
  };
}
