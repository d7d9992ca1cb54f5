// The last runs of a pipeline as bars: the height is how long they took, the colour how they ended.

import { useRef, useState } from "preact/hooks";

import type { RunBar } from "../../contract-runs.ts";
import { ago, duration } from "../format.ts";
import { hrefOf } from "../router.ts";
import { wordOf } from "./status.tsx";
import { tookMs } from "../took.ts";

/** Percent of the height: a bar that is there is seen. */
const leastHeight = 8;

type Props = { readonly bars: readonly RunBar[]; readonly name: string };

/** One stop of the Tab key; the arrows go from bar to bar. */
export function RunBars({ bars, name }: Props) {
  const [shown, setShown] = useState<RunBar | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const longest = Math.max(...bars.map((bar) => tookMs(bar) ?? 0), 1);
  return (
    <div class="run-bars">
      <div
        ref={box}
        class="bars"
        role="group"
        aria-label={`the last runs of ${name}`}
        onMouseLeave={() => setShown(null)}
        onFocusOut={() => setShown(null)}
        onKeyDown={(event) => moveFocus(event, box.current)}
      >
        {bars.map((bar, index) => (
          <a
            key={bar.id}
            href={hrefOf(`/runs/${bar.id}`)}
            class={bar.status}
            tabIndex={index === bars.length - 1 ? 0 : -1}
            aria-label={textOf(bar)}
            onMouseEnter={() => setShown(bar)}
            onFocus={() => setShown(bar)}
          >
            <i style={{ height: `${heightOf(tookMs(bar), longest)}%` }} />
          </a>
        ))}
      </div>
      <p class="readout" aria-hidden="true">
        {shown === null
          ? `${bars.length === 1 ? "one run" : `last ${bars.length} runs`}, longest ${duration(longest)}`
          : textOf(shown)}
      </p>
    </div>
  );
}

function moveFocus(event: KeyboardEvent, box: HTMLElement | null): void {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by === undefined || box === null) return;
  event.preventDefault();
  const links = [...box.querySelectorAll("a")];
  const at = links.findIndex((link) => link === document.activeElement);
  links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
}

/** A square root: one very long run must not flatten all others. Half of it where it is not known. */
const heightOf = (ms: number | null, longest: number): number =>
  ms === null ? 50 : Math.max(leastHeight, Math.sqrt(ms / longest) * 100);

function textOf(bar: RunBar): string {
  const ms = tookMs(bar);
  const took = ms === null ? "" : `, ${duration(ms)}`;
  return `run ${bar.id}, ${wordOf(bar.status)}${took}, ${ago(bar.startedAt, Date.now())}`;
}
