// What is around each view: the bar above, and the state of the connection.

import type { DatabaseView } from "../contract.ts";
import { time } from "./format.ts";
import { connection, isPaused, shownAt } from "./live.ts";
import { hrefOf, isWithin, parts } from "./router.ts";
import { isReport } from "./source.ts";
import { useData } from "./use-data.ts";
import { Run } from "./views/run.tsx";
import { Runs } from "./views/runs.tsx";

export const Shell = () => (
  <>
    <a class="skip" href="#app">
      Skip to the content
    </a>
    <header class="bar">
      <a class="brand" href={hrefOf("/")}>
        pipeloom
      </a>
      {isReport ? null : (
        <nav aria-label="views">
          <a href={hrefOf("/runs")} aria-current={isWithin("/runs") ? "page" : undefined}>
            Runs
          </a>
        </nav>
      )}
      <Database />
      <Live />
    </header>
    <View />
  </>
);

function View() {
  const [room, id] = parts.value;
  if (room === "runs" && id !== undefined) return <Run id={Number(id)} />;
  return <Runs />;
}

function Database() {
  const loaded = useData<DatabaseView>("/data/db", { isLive: false });
  if (loaded.type !== "ready") return null;
  const { path } = loaded.data;
  return (
    <span class="database" title={path}>
      {path.split(/[\\/]/).at(-1)}
    </span>
  );
}

/** Nothing that is shown is old without saying so. */
function Live() {
  if (isReport) return null;
  const state = connection.value;
  const text = isPaused.value
    ? `paused at ${time(shownAt.value)}`
    : state.type === "lost"
      ? `connection lost: as of ${time(state.since)}`
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
