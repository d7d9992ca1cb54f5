// Runs or slots as bars: the height is how long they took, the colour how they ended.

import { useRef, useState } from "preact/hooks";

import { duration } from "../format.ts";

/** Percent of the height: a bar that is there is seen. */
const leastHeight = 8;

export type Bar = {
  readonly key: number;
  readonly status: string;
  /** Null: not known. */
  readonly ms: number | null;
  /** Null: it has no view. */
  readonly href: string | null;
  readonly text: string;
};

type Props = {
  /** Oldest first. */
  readonly bars: readonly Bar[];
  readonly label: string;
  /** `run`, `slot` */
  readonly word: string;
};

/** One stop of the Tab key; the arrows go from bar to bar. */
export function Bars({ bars, label, word }: Props) {
  const [shown, setShown] = useState<Bar | null>(null);
  const box = useRef<HTMLDivElement>(null);
  /** 0: of none it is known, as of runs that were interrupted. */
  const longest = Math.max(...bars.map(({ ms }) => ms ?? 0));
  return (
    <div class="run-bars">
      <div
        ref={box}
        class="bars"
        role="group"
        aria-label={label}
        onMouseLeave={() => setShown(null)}
        onFocusOut={() => setShown(null)}
        onKeyDown={(event) => moveFocus(event, box.current)}
      >
        {bars.map((bar, index) => (
          <a
            key={bar.key}
            {...(bar.href === null ? { role: "img" } : { href: bar.href })}
            class={bar.status}
            tabIndex={index === bars.length - 1 ? 0 : -1}
            aria-label={bar.text}
            onMouseEnter={() => setShown(bar)}
            onFocus={() => setShown(bar)}
          >
            <i style={{ height: `${heightOf(bar.ms, longest)}%` }} />
          </a>
        ))}
      </div>
      <p class="readout" aria-hidden="true">
        {shown === null
          ? (bars.length === 1 ? `one ${word}` : `last ${bars.length} ${word}s`) +
            (longest > 0 ? `, longest ${duration(longest)}` : "")
          : shown.text}
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
  ms === null ? 50 : Math.max(leastHeight, Math.sqrt(ms / (longest || 1)) * 100);
