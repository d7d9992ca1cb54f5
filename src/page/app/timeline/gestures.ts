// What a mouse, fingers and a wheel do on a timeline: drag a range to see it larger, pinch or Ctrl + wheel to zoom, a finger or
// Shift + wheel to move, click to open. The wheel alone scrolls the page, as everywhere.

import { panned, type Point, type Range, type Scale, zoomed } from "./scale.ts";

/** Read at each event: what is shown changes meanwhile. */
export type Stage = {
  readonly scale: Scale;
  readonly bounds: Range;
  readonly show: (range: Range) => void;
  /** Pixels; null: nothing is selected. */
  readonly select: (pixels: Range | null) => void;
  readonly hover: (point: Point | null) => void;
  readonly click: (point: Point) => void;
};

/** Less is a click. */
const leastDrag = 4;
const wheelStep = 0.004;

type Drag = {
  readonly begin: Point;
  readonly scale: Scale;
  readonly isTouch: boolean;
  hasMoved: boolean;
};

type Pinch = { readonly center: number; readonly distance: number; readonly scale: Scale };

export class Gestures {
  readonly #element: HTMLElement;
  readonly #stage: () => Stage;
  readonly #pointers = new Map<number, Point>();
  readonly #control = new AbortController();
  #drag: Drag | undefined;
  #pinch: Pinch | undefined;

  constructor(element: HTMLElement, stage: () => Stage) {
    this.#element = element;
    this.#stage = stage;
    this.#on("pointerdown", (event) => this.#down(event));
    this.#on("pointermove", (event) => this.#move(event));
    this.#on("pointerup", (event) => this.#up(event));
    this.#on("pointercancel", (event) => this.#cancel(event));
    this.#on("pointerleave", () => this.#stage().hover(null));
    this.#on("wheel", (event) => this.#wheel(event));
  }

  #on<Name extends keyof HTMLElementEventMap>(
    name: Name,
    listen: (event: HTMLElementEventMap[Name]) => void,
  ): void {
    const { signal } = this.#control;
    // The page shall not scroll with a wheel that zooms.
    this.#element.addEventListener(name, listen, { signal, passive: false });
  }

  close(): void {
    this.#control.abort();
  }

  #pointOf({ clientX, clientY }: MouseEvent): Point {
    const { left, top } = this.#element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const begin = this.#pointOf(event);
    this.#element.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, begin);
    const { scale, select, hover } = this.#stage();
    const [first, second] = [...this.#pointers.values()];
    if (first !== undefined && second !== undefined) {
      this.#drag = undefined;
      select(null);
      hover(null);
      const distance = Math.max(Math.abs(first.x - second.x), 10);
      this.#pinch = { center: (first.x + second.x) / 2, distance, scale };
    } else this.#drag = { begin, scale, isTouch: event.pointerType === "touch", hasMoved: false };
  }

  #move(event: PointerEvent): void {
    const point = this.#pointOf(event);
    const stage = this.#stage();
    if (this.#pointers.has(event.pointerId)) this.#pointers.set(event.pointerId, point);
    if (this.#pinch !== undefined) return this.#movePinch(this.#pinch, stage);
    const drag = this.#drag;
    if (drag === undefined) return stage.hover(point);
    const distance = point.x - drag.begin.x;
    drag.hasMoved ||= Math.abs(distance) >= leastDrag;
    if (!drag.hasMoved) return undefined;
    stage.hover(null);
    if (drag.isTouch) return stage.show(panned(drag.scale, -distance, stage.bounds));
    return stage.select(ordered(drag.begin.x, point.x));
  }

  #movePinch({ center, distance, scale }: Pinch, { show, bounds }: Stage): void {
    const [first, second] = [...this.#pointers.values()];
    if (first === undefined || second === undefined) return;
    const now = Math.max(Math.abs(first.x - second.x), 10);
    show(zoomed(scale, center, distance / now, bounds));
  }

  #up(event: PointerEvent): void {
    const point = this.#pointOf(event);
    const [drag, pinch] = [this.#drag, this.#pinch];
    this.#cancel(event);
    if (drag === undefined || pinch !== undefined) return;
    const { scale, show, click } = this.#stage();
    if (!drag.hasMoved) return click(point);
    if (drag.isTouch) return;
    const { from, to } = ordered(drag.begin.x, point.x);
    const begin = Math.floor(scale.time(Math.max(0, from)));
    show({
      from: begin,
      to: Math.max(begin + 1, Math.ceil(scale.time(Math.min(to, scale.width)))),
    });
  }

  #cancel(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
    this.#drag = undefined;
    if (this.#pointers.size < 2) this.#pinch = undefined;
    this.#stage().select(null);
  }

  #wheel(event: WheelEvent): void {
    const { scale, bounds, show } = this.#stage();
    const { deltaX, deltaY, shiftKey } = event;
    // A pinch on a touchpad comes as a wheel with Ctrl.
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      show(zoomed(scale, this.#pointOf(event).x, Math.exp(deltaY * wheelStep), bounds));
      return;
    }
    const sideways = shiftKey && deltaX === 0 ? deltaY : deltaX;
    if (Math.abs(sideways) <= (shiftKey ? 0 : Math.abs(deltaY))) return;
    event.preventDefault();
    show(panned(scale, sideways, bounds));
  }
}

const ordered = (a: number, b: number): Range => ({ from: Math.min(a, b), to: Math.max(a, b) });
