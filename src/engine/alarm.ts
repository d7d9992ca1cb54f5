/** Calls once, at the time that was set last. */
export class Alarm {
  readonly #ring: () => void;
  #at: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** @param at epoch ms; undefined: never */
  set(at: number | undefined): void {
    if (at === this.#at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    if (at === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#at = undefined;
        this.#ring();
      },
      Math.max(at - Date.now(), 1),
    );
  }
}
