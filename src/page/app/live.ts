// What changes while it is shown: the stream of events, whether it is connected, and the views that are loaded again because of it.

import { computed, effect, signal } from "@preact/signals";

import type { Change, RunBrief } from "../contract.ts";
import { baseNow } from "./router.ts";
import { get, isReport, noAnswer, SourceError } from "./source.ts";

/** The newest state of runs that have changed while the stream of events, which may begin again, was listened to. */
export const changed = signal<ReadonlyMap<number, RunBrief>>(new Map());

/** Counts up with each change that is shown. */
export const ticks = signal(0);

/** Counts up with each run that begins, which no list has, or is over: what is shown is old, and no other change may follow. */
export const turns = signal(0);

/** Counts up each second, while changes are listened to. */
export const seconds = signal(0);

/** Counts up with each connection: the server may be another one than before. */
export const connections = signal(0);

/** Of the last second, epoch ms. */
export const now = signal(Date.now());

type Connection =
  | { readonly type: "connecting" }
  | { readonly type: "live" }
  /** What is shown is of that time. The error is null until it is known. */
  | { readonly type: "lost"; readonly since: number; readonly error: SourceError | null };

export const connection = signal<Connection>({ type: "connecting" });

/** The person wants to read in peace. */
export const isPaused = signal(false);

/** When the data that is shown was true, epoch ms. */
export const shownAt = signal(Date.now());

const isHidden = signal(document.hidden);
document.addEventListener("visibilitychange", () => (isHidden.value = document.hidden));

baseNow.subscribe(() => (changed.value = new Map()));

/** A browser has few connections to one server: a tab that nobody sees needs none. */
const isListening = computed(() => !isReport && !isPaused.value && !isHidden.value);

/** Counts up where the stream of events is begun again, because nothing comes from it. */
const restarts = signal(0);

effect(() => {
  const base = baseNow.value;
  if (!isListening.value || restarts.value < 0) return undefined;
  const control = new AbortController();
  listen(base, control.signal);
  return () => control.abort();
});

/** A browser tries again by itself only where nothing has answered, and not after a refusal: another tab may have entered since. */
const retryMs = 3_000;

function listen(base: string, end: AbortSignal): void {
  const events = new EventSource(`${base}/events`);
  end.addEventListener("abort", () => events.close());
  for (const sign of ["open", "message", "beat"]) events.addEventListener(sign, noteSign);
  events.addEventListener("open", () => {
    connection.value = { type: "live" };
    connections.value++;
    // What has changed while nothing was listened to is not said again: the questions that are asked now know it.
    changed.value = new Map();
    ticks.value++;
  });
  events.addEventListener("message", ({ data }) => accept(JSON.parse(data) as Change));
  events.addEventListener("error", () => {
    void noteLoss(end);
    if (events.readyState !== EventSource.CLOSED) return;
    setTimeout(() => {
      if (!end.aborted) listen(base, end);
    }, retryMs);
  });
}

/** A stream of events does not say why it has ended: a question does. */
async function noteLoss(end: AbortSignal): Promise<void> {
  if (connection.value.type !== "lost")
    connection.value = { type: "lost", since: Date.now(), error: null };
  try {
    await get("/data/db", end);
  } catch (error) {
    const { value } = connection;
    if (error instanceof SourceError && value.type === "lost")
      connection.value = { ...value, error };
  }
}

/**
 * The server says something every 2 s. One that is stopped (Ctrl-Z), or that cannot be reached any more, says nothing, and the browser
 * tells nobody. Seconds are counted, because none pass while a laptop sleeps.
 */
const maxQuietSeconds = 8;
let quietSeconds = 0;
let signAt = Date.now();

function noteSign(): void {
  quietSeconds = 0;
  signAt = Date.now();
}

effect(() => {
  if (!isListening.value) return undefined;
  quietSeconds = 0;
  const timer = setInterval(() => {
    seconds.value++;
    now.value = Date.now();
    if (++quietSeconds >= maxQuietSeconds) noteQuiet();
  }, 1_000);
  return () => clearInterval(timer);
});

function noteQuiet(): void {
  quietSeconds = 0;
  const { value } = connection;
  if (value.type !== "lost" || value.error === null) {
    connection.value = { type: "lost", since: signAt, error: noAnswer() };
  }
  restarts.value++;
}

/** Of so many runs that have changed, and of those that run, each further change is told. */
const watched = 50;

function accept({ runs }: Change): void {
  const next = new Map(changed.value);
  if (runs.some(({ id, status }) => next.get(id)?.status !== status)) turns.value++;
  for (const run of runs) {
    next.delete(run.id);
    next.set(run.id, run);
  }
  for (const [id, { status }] of [...next].slice(0, -watched))
    if (status !== "running") next.delete(id);
  changed.value = next;
  shownAt.value = Date.now();
  ticks.value++;
}
