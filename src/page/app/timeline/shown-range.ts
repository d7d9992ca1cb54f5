// Which time of a run is shown. It is in the address; while a hand moves it, only the picture follows.

import { useEffect, useRef, useState } from "preact/hooks";

import { go, param, withParams } from "../router.ts";
import type { Range } from "./scale.ts";

/** So long after the last movement, the server is asked. */
const settleMs = 150;

type Shown = readonly [shown: Range | null, show: (range: Range | null) => void];

/** Null: the whole run, as long as it grows. */
export function useShownRange(): Shown {
  const address = rangeIn(param("from"), param("to"));
  const [moving, setMoving] = useState<Range | null | undefined>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  // The address has it now, or the person went back.
  useEffect(() => setMoving(undefined), [address?.from, address?.to]);
  const show = (range: Range | null): void => {
    setMoving(range);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      const from = range === null ? null : String(range.from);
      go(withParams({ from, to: range === null ? null : String(range.to) }), true);
      setMoving(undefined);
    }, settleMs);
  };
  return [moving === undefined ? address : moving, show];
}

function rangeIn(from: string | null, to: string | null): Range | null {
  const range = { from: Number(from ?? Number.NaN), to: Number(to ?? Number.NaN) };
  return range.to > range.from ? range : null;
}
