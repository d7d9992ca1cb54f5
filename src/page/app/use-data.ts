// A view's data: loaded when it is shown, and again when something has changed, not more often than the server can answer at ease.

import { useEffect, useRef, useState } from "preact/hooks";

import type { OfTasks } from "../contract.ts";
import { ticks } from "./live.ts";
import { get, isReport, SourceError } from "./source.ts";

export type Loaded<T> =
  | { readonly type: "loading" }
  | { readonly type: "ready"; readonly data: T; readonly isOld: boolean }
  | { readonly type: "failed"; readonly error: SourceError };

type Options = {
  /** Whether a change of the database may change the answer. Default: true. */
  readonly isLive?: boolean;
};

/** After an answer that took as long, the next question waits this many times longer: the server stays below 5 % of a core. */
const restFactor = 20;
const minRestMs = 250;
/** Where an answer is not complete, the server works on it. */
const partialRestMs = 50;

/** @param path null: nothing is to be asked */
export function useData<T>(path: string | null, { isLive = true }: Options = {}): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ type: "loading" });
  const shown = useRef<string | null>(null);
  const tick = isLive ? ticks.value : 0;
  const pending = useRef<{ stop: () => void; path: string } | null>(null);
  const notBefore = useRef(0);

  useEffect(() => {
    if (path === null) return;
    // A question that is under way is not asked twice; one with another address is given up.
    if (pending.current?.path === path) return;
    pending.current?.stop();
    if (shown.current !== path) {
      notBefore.current = 0;
      setLoaded((before) => (before.type === "ready" ? { ...before, isOld: true } : before));
    }
    pending.current = ask(path);
  }, [path, tick]);
  useEffect(() => () => pending.current?.stop(), []);
  return loaded;

  function ask(wanted: string): { stop: () => void; path: string } {
    const control = new AbortController();
    const load = async (): Promise<void> => {
      const began = performance.now();
      const answer = await outcomeOf<T>(wanted, control.signal);
      if (control.signal.aborted) return;
      const tookMs = performance.now() - began;
      const restMs = isPartial(answer) ? partialRestMs : Math.max(minRestMs, tookMs * restFactor);
      notBefore.current = performance.now() + restMs;
      shown.current = wanted;
      pending.current = isPartial(answer) ? ask(wanted) : null;
      setLoaded(answer);
    };
    const timer = setTimeout(() => void load(), Math.max(0, notBefore.current - performance.now()));
    return {
      path: wanted,
      stop: () => {
        clearTimeout(timer);
        control.abort();
        pending.current = null;
      },
    };
  }
}

/** See `OfTasks` of the contract. */
const isPartial = (answer: Loaded<unknown>): boolean =>
  answer.type === "ready" &&
  !isReport &&
  (answer.data as Partial<OfTasks> | null)?.isComplete === false;

async function outcomeOf<T>(path: string, signal: AbortSignal): Promise<Loaded<T>> {
  try {
    return { type: "ready", data: await get<T>(path, signal), isOld: false };
  } catch (thrown) {
    if (thrown instanceof SourceError) return { type: "failed", error: thrown };
    return { type: "failed", error: new SourceError(0, { problem: String(thrown) }) };
  }
}
