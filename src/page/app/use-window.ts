// Which rows of a long list are seen. The list has a scroll bar of its full length, as far as browsers can: beyond, a pixel of the bar
// stands for several rows.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

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

/** @param list what the rows are of: another list begins at its beginning */
export function useWindow(rowHeight: number, list: string): RowWindow {
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
  useLayoutEffect(() => {
    if (element.current !== null) element.current.scrollTop = 0;
    read();
  }, [list]);
  useEffect(() => {
    addEventListener("resize", read);
    return () => removeEventListener("resize", read);
  }, []);

  return { box, ...windowOf(element, rows, place, rowHeight) };
}

type Place = { readonly top: number; readonly height: number };

function windowOf(
  element: { readonly current: HTMLElement | null },
  rows: { current: number },
  { top, height }: Place,
  rowHeight: number,
): Omit<RowWindow, "box"> {
  const fitting = Math.ceil(height / rowHeight) + 1;
  const full = rows.current * rowHeight;
  // Scaled, the end of the bar is the end of the list.
  const scale = full > maxHeight ? (full - height) / (maxHeight - height) : 1;
  const at = top * scale;
  const first = Math.max(0, Math.floor(at / rowHeight));
  return {
    first,
    fitting,
    shift: scale === 1 ? at - first * rowHeight : 0,
    heightOf: (count) => {
      rows.current = count;
      return Math.min(count * rowHeight, maxHeight);
    },
    reveal: (row) => {
      const last = first + fitting - 3;
      if (element.current === null || (row >= first && row <= last)) return;
      const target = row < first ? row : row - fitting + 3;
      element.current.scrollTop = (target * rowHeight) / scale;
    },
  };
}
