// The schedules: when pipelines run next, and what became of their last slots. What needs a person comes first.

import type { ScheduleBrief, SchedulesView, SlotBar } from "../../contract-schedules.ts";
import { actionDialog } from "../actions/dialogs.ts";
import { canAct } from "../database.ts";
import { ago, count, counted, duration, time } from "../format.ts";
import { now } from "../live.ts";
import { type Bar, Bars } from "../parts/bars.tsx";
import { OffsetPages } from "../parts/pages.tsx";
import { Empty, Problem, Show } from "../parts/states.tsx";
import { wordOf } from "../parts/status.tsx";
import { baseOf, go, hrefOf, param, searchOf, withParams } from "../router.ts";
import { useData } from "../use-data.ts";
import { NextTimes } from "./next-times.tsx";

export function Schedules() {
  const asked = searchOf(["text", "offset"]);
  const loaded = useData<SchedulesView>(`/data/schedules?${asked}`);
  return (
    <main>
      <div class="toolbar">
        <h1>Schedules</h1>
        <input
          type="search"
          aria-label="search schedules"
          placeholder="name or file"
          value={param("text") ?? ""}
          onInput={({ currentTarget }) =>
            go(withParams({ text: currentTarget.value, offset: null }), true)
          }
        />
      </div>
      <Show of={loaded}>
        {(view) => (
          <>
            <Health of={view} />
            {view.total === 0 ? (
              <NoSchedules of={view} />
            ) : (
              <ul class="pipelines">
                {view.schedules.map((schedule) => (
                  <Schedule key={schedule.id ?? schedule.name} schedule={schedule} />
                ))}
              </ul>
            )}
            <OffsetPages of={view} shown={view.schedules.length} />
          </>
        )}
      </Show>
    </main>
  );
}

function Health({ of: { serve, schedules, troubled } }: { readonly of: SchedulesView }) {
  if (serve === null) {
    return schedules.length === 0 ? null : (
      <p class="soft">
        What ran for a slot. When they run next is known to <code>pipeloom serve</code>, which has
        this page too.
      </p>
    );
  }
  if (serve.health === "stalled") {
    return (
      <Problem next="Is the machine overloaded, or has it just woken?">
        The scheduler has not looked at the clock for minutes: slots do not start on time.
      </Problem>
    );
  }
  if (serve.health === "stopping") {
    return <Problem>The scheduler is being ended: no further slot starts.</Problem>;
  }
  return troubled === 0 ? null : (
    <p class="status error">
      {counted(troubled, "schedule")} need{troubled === 1 ? "s" : ""} a look
    </p>
  );
}

function NoSchedules({ of: { serve } }: { readonly of: SchedulesView }) {
  if (param("text") !== null) return <Empty title="No schedule is like that" />;
  return (
    <Empty title={serve === null ? "No run was for a schedule yet" : "No pipeline has a schedule"}>
      <p>A schedule is in the pipeline file:</p>
      <pre>
        {`export default pipeline({
  name: "etl",
  schedule: { cron: "30 2 * * *", tz: "Europe/Berlin" },
  …
});`}
      </pre>
      {serve === null ? (
        <>
          <p>What starts it on time, and shows this page with the next times:</p>
          <pre>pipeloom serve etl.ts</pre>
        </>
      ) : (
        <p>It is here as soon as the file is saved.</p>
      )}
    </Empty>
  );
}

function Schedule({ schedule }: { readonly schedule: ScheduleBrief }) {
  const { name, file, text, slots, state, hasRun } = schedule;
  const base = baseOf(schedule.database);
  const shown = name ?? file?.split(/[\\/]/).at(-1) ?? "–";
  const runs = hrefOf(`/runs?${new URLSearchParams({ pipeline: shown })}`, base);
  return (
    <li class="card pipeline schedule">
      <div class="pipeline-name">
        <h2>{hasRun ? <a href={runs}>{shown}</a> : shown}</h2>
        <State of={schedule} />
        {text === null ? null : <p>{text}</p>}
        {file === null ? null : (
          <p class="soft file" title={file}>
            {file.split(/[\\/]/).slice(-2).join("/")}
          </p>
        )}
      </div>
      {slots.length === 0 ? (
        <p class="soft">{state.kind === "ok" ? "No slot has been due yet." : ""}</p>
      ) : (
        <Bars
          bars={slots.map((slot) => barOf(slot, base))}
          label={`the last slots of ${shown}`}
          word="slot"
        />
      )}
      <NextTimes of={schedule} />
      <Act on={schedule} />
      {state.kind === "broken" ? (
        <pre class="problem">{state.message}</pre>
      ) : state.kind === "refused" ? (
        <Problem>{state.reason}</Problem>
      ) : null}
    </li>
  );
}

function State({ of: schedule }: { readonly of: ScheduleBrief }) {
  const { state, trouble, waiting, running } = schedule;
  return (
    <>
      {state.kind === "ok" || state.kind === "unknown" ? null : (
        <p
          class={`status ${state.kind === "paused" && state.failures === null ? "skipped" : "error"}`}
        >
          {stateText(schedule)}
        </p>
      )}
      {trouble === null ? null : (
        <p class={`status ${trouble.kind === "failed" ? "error" : "skipped"}`}>
          {troubleText(trouble)}
        </p>
      )}
      {running.map(({ slot, run }) => (
        <p key={slot} class="status running">
          <i aria-hidden="true">▸</i>{" "}
          {run === null ? (
            `starting for ${time(slot)}`
          ) : (
            <a href={hrefOf(`/runs/${run}`, baseOf(schedule.database))}>run {run} goes on</a>
          )}
        </p>
      ))}
      {waiting === null ? null : (
        <p class="status skipped">
          <i aria-hidden="true">·</i> the slot {time(waiting.slot)} waits: {waiting.why}
        </p>
      )}
      <Counts of={schedule} />
    </>
  );
}

function stateText({ state }: ScheduleBrief): string {
  switch (state.kind) {
    case "broken":
      return `✕ broken ${ago(state.since, now.value)}${state.hasSchedule ? "; its last good schedule goes on" : ""}`;
    case "paused":
      return `‖ paused ${ago(state.since, now.value)}${state.failures === null ? "" : `, after ${counted(state.failures, "failure")}`}`;
    case "refused":
      return "✕ cannot be served";
    case "ok":
    case "unknown":
      return "";
  }
}

const troubles = {
  failed: "✕ failed",
  late: "· not on time",
  slow: "· slower than usual",
} as const;

const troubleText = ({ kind, slot }: NonNullable<ScheduleBrief["trouble"]>): string =>
  `${troubles[kind]}${slot === null ? "" : `, since the slot ${time(slot)}`}`;

function Counts({ of: { missed, skipped, late } }: { readonly of: ScheduleBrief }) {
  const parts = [
    [missed, "missed"],
    [late, "late"],
    [skipped, "skipped"],
  ] as const;
  const text = parts
    .filter(([amount]) => amount > 0)
    .map(([amount, word]) => `${count(amount)} ${word}`);
  return text.length === 0 ? null : (
    <p class="status skipped" title="slots since serve began">
      {text.join(", ")}
    </p>
  );
}

function Act({ on: schedule }: { readonly on: ScheduleBrief }) {
  const { kind } = schedule.state;
  if (!canAct.value || schedule.id === null || kind === "refused" || schedule.name === null) {
    return null;
  }
  const isPaused = kind === "paused";
  return (
    <span class="actions">
      <button
        type="button"
        class={isPaused ? "primary" : ""}
        onClick={() =>
          void (actionDialog.value = { type: isPaused ? "resume-schedule" : "pause", schedule })
        }
      >
        {isPaused ? "Resume …" : "Pause …"}
      </button>
    </span>
  );
}

function barOf(bar: SlotBar, base: string): Bar {
  const { slot, state, run, startedAt, finishedAt, delayMs, why } = bar;
  const ms = startedAt === null || finishedAt === null ? null : finishedAt - startedAt;
  const words = [
    `slot ${time(slot)}`,
    run === null ? wordOf(state) : `run ${run} ${wordOf(state)}`,
    ...(ms === null ? [] : [duration(ms)]),
    ...(delayMs === null || delayMs < 1_000 ? [] : [`${duration(delayMs)} late`]),
    ...(why === null ? [] : [why]),
  ];
  const href = run === null ? null : hrefOf(`/runs/${run}`, base);
  return { key: slot, status: state, ms, href, text: words.join(", ") };
}
