// A view's data: loaded when it is shown, and again when something has changed, not more often than the server can answer at ease.

import { useEffect, useRef, useState } from "preact/hooks";

import type { OfTasks } from "../contract.ts";
import { seconds, ticks, turns } from "./live.ts";
import { baseNow } from "./router.ts";
import { asSourceError, baseIn, get, isReport, retryMs, type SourceError } from "./source.ts";

export type Loaded<T> =
  | { readonly type: "loading" }
  | { readonly type: "ready"; readonly data: T; readonly isOld: boolean }
  | { readonly type: "failed"; readonly error: SourceError };

type Options = {
  /** Whether a change of the database may change the answer. Default: true. */
  readonly isLive?: boolean;
  /** Whether the answer changes with time alone, as that about tasks that run. Default: false. */
  readonly isGrowing?: boolean;
};

/** After an answer that took as long, the next question waits this many times longer: with the stream of changes, the server stays below 5 % of a core. */
const restFactor = 40;
const minRestMs = 250;
/** On a machine that is busy with other things, an answer takes long without much work. */
const maxRestMs = 5_000;
/** Where an answer is not complete, the server works on it. */
const partialRestMs = 50;

/** @param question null: nothing is to be asked */
export function useData<T>(
  question: string | null,
  { isLive = true, isGrowing = false }: Options = {},
): Loaded<T> {
  // Two databases may have runs of one number.
  const path = question === null || baseIn(question) !== "" ? question : baseNow.value + question;
  const [loaded, setLoaded] = useState<Loaded<T>>({ type: "loading" });
  const shown = useRef<string | null>(null);
  const moment = (isLive ? ticks.value : 0) + (isGrowing ? seconds.value : 0);
  const pending = useRef<Asked | null>(null);
  const notBefore = useRef(0);

  useEffect(() => {
    notBefore.current = 0;
    pending.current?.hurry();
  }, [isLive ? turns.value : 0]);
  useEffect(() => {
    if (path === null) return;
    // A question that is under way is asked again after its answer, which may be older than the change; one with another address
    // is given up.
    if (pending.current?.path === path) {
      pending.current.isOutdated = true;
      return;
    }
    pending.current?.stop();
    if (shown.current !== path) {
      notBefore.current = 0;
      setLoaded((before) => (before.type === "ready" ? { ...before, isOld: true } : before));
    }
    load(path);
  }, [path, moment]);
  useEffect(() => () => pending.current?.stop(), []);
  return loaded;

  function load(wanted: string): void {
    const delayMs = notBefore.current - performance.now();
    pending.current = askAfter<T>(wanted, delayMs, (answer, tookMs, { isOutdated, isUrgent }) => {
      notBefore.current = performance.now() + (isUrgent ? 0 : restOf(answer, tookMs));
      shown.current = wanted;
      pending.current = null;
      if (isOutdated || isPartial(answer) || isBehind(answer) || isPassing(answer)) load(wanted);
      setLoaded(answer);
    });
  }
}

type Asked = {
  readonly path: string;
  readonly stop: () => void;
  /** Without the rest; where it was asked already, the next one is. */
  readonly hurry: () => void;
  /** Something has changed since it was asked. */
  isOutdated: boolean;
  isUrgent: boolean;
};

function askAfter<T>(
  path: string,
  delayMs: number,
  take: (answer: Loaded<T>, tookMs: number, asked: Asked) => void,
): Asked {
  const control = new AbortController();
  const ask = async (): Promise<void> => {
    const began = performance.now();
    asked.isOutdated = false;
    const answer = await outcomeOf<T>(path, control.signal);
    if (!control.signal.aborted) take(answer, performance.now() - began, asked);
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const askIn = (ms: number): void => {
    timer = setTimeout(() => {
      timer = undefined;
      void ask();
    }, ms);
  };
  const stop = (): void => {
    clearTimeout(timer);
    control.abort();
  };
  const hurry = (): void => {
    if (timer === undefined) asked.isUrgent = true;
    else {
      clearTimeout(timer);
      askIn(0);
    }
  };
  askIn(Math.max(0, delayMs));
  const asked: Asked = { path, stop, hurry, isOutdated: false, isUrgent: false };
  return asked;
}

const aboutTasks = (answer: Loaded<unknown>): Partial<OfTasks> | null =>
  answer.type === "ready" && !isReport ? (answer.data as Partial<OfTasks> | null) : null;

const isPartial = (answer: Loaded<unknown>): boolean => aboutTasks(answer)?.isComplete === false;

const isBehind = (answer: Loaded<unknown>): boolean => aboutTasks(answer)?.isBehind === true;

const isPassing = (answer: Loaded<unknown>): boolean =>
  answer.type === "failed" && answer.error.isPassing;

function restOf(answer: Loaded<unknown>, tookMs: number): number {
  if (isPassing(answer)) return retryMs;
  if (isPartial(answer)) return partialRestMs;
  return Math.min(Math.max(minRestMs, tookMs * restFactor), maxRestMs);
}

async function outcomeOf<T>(path: string, signal: AbortSignal): Promise<Loaded<T>> {
  try {
    return { type: "ready", data: await get<T>(path, signal), isOld: false };
  } catch (thrown) {
    return { type: "failed", error: asSourceError(thrown) };
  }
}
