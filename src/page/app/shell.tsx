// What is around each view: the bar above, the state of the connection, dialogs, and what the page has started.

import { useEffect } from "preact/hooks";

import type { DatabaseView } from "../contract.ts";
import { OpenDialog } from "./actions/action-dialog.tsx";
import { JobPanel } from "./actions/job-panel.tsx";
import { jobs, loadJobs, openJob, runningJobs } from "./actions/started.ts";
import { canAct, database, isOfAll, loadDatabase, runsBase } from "./database.ts";
import { count, time } from "./format.ts";
import { isHelpOpen } from "./keys.ts";
import { connection, connections, isPaused, shownAt } from "./live.ts";
import { KeysHelp } from "./parts/keys-help.tsx";
import { Empty, Failed } from "./parts/states.tsx";
import { baseNow, baseOf, go, hrefOf, isWithin, parts } from "./router.ts";
import { isReport, report, SourceError } from "./source.ts";
import { nextTheme, theme } from "./theme.ts";
import { Compare } from "./views/compare.tsx";
import { Pipelines } from "./views/pipelines.tsx";
import { Run } from "./views/run.tsx";
import { Runs } from "./views/runs.tsx";
import { Schedules } from "./views/schedules.tsx";

export function Shell() {
  useTitle();
  useServerState();
  return (
    <>
      <a class="skip" href="#app" onClick={skip}>
        Skip to the content
      </a>
      <header class="bar">
        <a class="brand" href={hrefOf(report?.entry ?? "/")}>
          pipeloom
        </a>
        {isReport ? null : (
          <nav aria-label="views">
            <Place href={hrefOf("/", "")} isHere={parts.value.length === 0}>
              Pipelines
            </Place>
            <Place
              href={hrefOf("/runs", runsBase.value)}
              isHere={isWithin("/runs") || isWithin("/compare")}
            >
              Runs
            </Place>
            <Place href={hrefOf("/schedules", "")} isHere={isWithin("/schedules")}>
              Schedules
            </Place>
          </nav>
        )}
        <Database />
        <Started />
        <Theme />
        <Keyboard />
        <Live />
      </header>
      <Stale />
      <View />
      <JobPanel />
      <OpenDialog />
      <KeysHelp />
    </>
  );
}

function useServerState(): void {
  // The first connection is to the server that the page is from.
  const server = Math.max(1, connections.value);
  useEffect(() => void loadDatabase(), [baseNow.value, server]);
  useEffect(() => {
    if (!isReport) void loadJobs();
  }, [server]);
}

function skip(event: Event): void {
  event.preventDefault();
  const main = document.querySelector("main");
  main?.setAttribute("tabindex", "-1");
  main?.focus();
}

/** Of the browser's tab and its history. */
function useTitle(): void {
  const [room, id] = parts.value;
  const place =
    room === undefined
      ? "Pipelines"
      : room === "runs" && id !== undefined
        ? `Run ${id}`
        : `${room.charAt(0).toUpperCase()}${room.slice(1)}`;
  const name = database.value?.path?.split(/[\\/]/).at(-1) ?? "pipeloom";
  const title = `${place} · ${name}`;
  useEffect(() => {
    // A report has its own.
    if (!isReport) document.title = title;
  }, [title]);
}

const Place = ({
  href,
  isHere,
  children,
}: {
  readonly href: string;
  readonly isHere: boolean;
  readonly children: string;
}) => (
  <a href={href} aria-current={isHere ? "page" : undefined}>
    {children}
  </a>
);

function View() {
  const [room, id] = parts.value;
  if (report !== undefined) return <Run id={report.run} />;
  if (room === "schedules") return <Schedules />;
  if (isOfAll.value && room !== undefined) return <ChooseDatabase />;
  if (room === "runs" && id !== undefined)
    return /^\d+$/.test(id) ? <Run id={Number(id)} /> : <NoRun name={id} />;
  if (room === "runs") return <Runs />;
  if (room === "compare") return <Compare />;
  return <Pipelines />;
}

function Database() {
  const known = database.value;
  if (known === null) return <span class="database" />;
  const { path, databases, isReadOnly } = known;
  if (path !== null && databases.length > 1) return <Databases of={known} />;
  return (
    <span class="database" title={path ?? undefined}>
      {path === null
        ? `${count(databases.length)} database${databases.length === 1 ? "" : "s"}`
        : fileName(path)}
      {isReadOnly ? ", read-only" : ""}
    </span>
  );
}

const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;

/** The same view of another database. */
const Databases = ({ of: { databases } }: { readonly of: DatabaseView }) => (
  <select
    class="database"
    aria-label="database"
    value={baseNow.value}
    onChange={({ currentTarget }) =>
      go(parts.value.length === 0 ? "/" : "/runs", false, currentTarget.value)
    }
  >
    {databases.map(({ id, path }) => (
      <option key={id} value={baseOf(id)}>
        {path.split(/[\\/]/).slice(-2).join("/")}
      </option>
    ))}
  </select>
);

const NoRun = ({ name }: { readonly name: string }) => (
  <main>
    <Failed error={new SourceError(404, { problem: `runs have numbers, not ${named(name)}` })} />
  </main>
);

/** Of an address. */
function named(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const ChooseDatabase = () => (
  <main>
    <Empty title="In which database?">
      {database.value?.databases.map(({ id, path }) => (
        <a key={id} href={hrefOf("/runs", baseOf(id))}>
          {path}
        </a>
      ))}
    </Empty>
  </main>
);

/** What the page has started, as soon as there is something. */
function Started() {
  const [newest] = jobs.value;
  if (!canAct.value || newest === undefined) return null;
  const running = runningJobs();
  const isOpen = openJob.value !== null;
  return (
    <button
      type="button"
      aria-expanded={isOpen}
      title="what this page has started"
      onClick={() => (openJob.value = isOpen ? null : newest.id)}
    >
      {running > 0 ? <i class="pulse" aria-hidden="true" /> : null}
      {running > 0 ? `${running} started` : "Started"}
    </button>
  );
}

function Theme() {
  const signs = { auto: "◐", light: "☀", dark: "☾" } as const;
  const now = theme.value === "auto" ? "as the system has it" : theme.value;
  return (
    <button
      type="button"
      class="plain icon"
      aria-label={`theme: ${now}`}
      title={`theme: ${now} (T)`}
      onClick={nextTheme}
    >
      {signs[theme.value]}
    </button>
  );
}

const Keyboard = () => (
  <button
    type="button"
    class="plain icon"
    aria-label="keyboard"
    title="keyboard (?)"
    onClick={() => (isHelpOpen.value = true)}
  >
    ?
  </button>
);

/** Nothing that is shown is old without saying so. */
function Stale() {
  const state = connection.value;
  if (state.type !== "lost" || state.error === null || isPaused.value) return null;
  const { error, since } = state;
  return (
    <p class="stale" role="alert">
      <strong>
        {error.status === 401 ? "This page is of an earlier start of pipeloom" : error.message}.
      </strong>{" "}
      {error.status === 401
        ? "Open the address that pipeloom has printed since."
        : "The page goes on by itself when it is back."}{" "}
      What you see is as of {time(since)}.
    </p>
  );
}

function Live() {
  if (report !== undefined) {
    return <span class="soft">a report, as of {time(report.madeAt)}</span>;
  }
  const state = connection.value;
  const text = isPaused.value
    ? `paused at ${time(shownAt.value)}`
    : state.type === "lost"
      ? "not connected"
      : state.type;
  return (
    <button
      type="button"
      class={`live ${isPaused.value ? "paused" : state.type === "live" ? "live-on" : state.type}`}
      aria-pressed={isPaused.value}
      title={isPaused.value ? "go on (P)" : "pause (P)"}
      onClick={() => (isPaused.value = !isPaused.value)}
    >
      {text}
    </button>
  );
}
