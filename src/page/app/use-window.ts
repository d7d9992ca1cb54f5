// Which rows of a long list are seen. The list has a scroll bar of its full length, as far as browsers can: beyond, a pixel of the bar
// stands for several rows.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** Browsers cannot place elements beyond some 16 million pixels. */
const maxHeight = 8_000_000;

export type RowWindow = {
  readonly box: (element: HTMLElement | null) => void;
  /** The first row that is seen, and how many fit. */
  readonly first: number;
  readonly fitting: number;
  /** Pixels by which the first row is above the edge. */
  readonly shift: number;
  /** The height of the inside of the box. */
  heightOf(rows: number): number;
  /** Scrolls as far as needed to see the row. */
  reveal(row: number): void;
};

export function useWindow(rowHeight: number): RowWindow {
  const element = useRef<HTMLElement | null>(null);
  const rows = useRef(0);
  const [place, setPlace] = useState({ top: 0, height: 600 });

  const read = useCallback((): void => {
    const box = element.current;
    if (box !== null) setPlace({ top: box.scrollTop, height: box.clientHeight });
  }, []);
  const box = useCallback((next: HTMLElement | null): void => {
    element.current?.removeEventListener("scroll", read);
    element.current = next;
    next?.addEventListener("scroll", read, { passive: true });
    read();
  }, []);
  useEffect(() => {
    addEventListener("resize", read);
    return () => removeEventListener("resize", read);
  }, []);

  const fitting = Math.ceil(place.height / rowHeight) + 1;
  const full = rows.current * rowHeight;
  const isScaled = full > maxHeight;
  // Scaled, the end of the bar is the end of the list.
  const at = isScaled
    ? (place.top / (maxHeight - place.height)) * (full - place.height)
    : place.top;
  const first = Math.max(0, Math.floor(at / rowHeight));
  return {
    box,
    first,
    fitting,
    shift: isScaled ? 0 : at - first * rowHeight,
    heightOf: (count) => {
      rows.current = count;
      return Math.min(count * rowHeight, maxHeight);
    },
    reveal: (row) => {
      const { current } = element;
      if (current === null) return;
      const last = first + fitting - 3;
      if (row >= first && row <= last) return;
      const target = row < first ? row : row - fitting + 3;
      const top = target * rowHeight;
      current.scrollTop = isScaled
        ? (top / (full - place.height)) * (maxHeight - place.height)
        : top;
    },
  };
}
