// The events of a transaction, to be announced after its commit. Successive ends of tasks that are done share one pack:
// objects of their own would cost more than the rest of the announcement.

import type { TaskId } from "../../protocol/ids.ts";
import type { DonePack, WireEvent } from "../../protocol/messages.ts";

type OpenPack = { -readonly [Key in keyof DonePack]: DonePack[Key] } & {
  readonly numbers: number[];
  /** By position. An object with ids as keys would be sparse, and slow to write and read. */
  results?: string[];
  labels?: (string | null)[];
};

export class PendingEvents {
  #events: WireEvent[] = [];
  /** The last of `#events`, if it is a pack that can take more tasks. */
  #pack: OpenPack | undefined;

  take(): WireEvent[] {
    const events = this.#events;
    this.#events = [];
    this.#pack = undefined;
    return events;
  }

  add(event: WireEvent): void {
    this.#pack = undefined;
    this.#events.push(event);
  }

  /** The hot path. @param result JSON text, or the mark that it stays in the file */
  // oxlint-disable-next-line max-params
  addDone(
    id: TaskId,
    startedAt: number,
    at: number,
    result: string,
    label: string | null,
    machine: string | undefined,
  ): void {
    // Ends come in texts of one worker each, so a pack of one machine is long enough.
    if (this.#pack === undefined || this.#pack.machine !== machine) {
      const pack: OpenPack = { type: "done", base: startedAt, numbers: [], machine };
      this.add(pack);
      this.#pack = pack;
    }
    const { base, numbers } = this.#pack;
    if (result !== "null" && this.#pack.results === undefined) {
      this.#pack.results = Array.from({ length: numbers.length / 3 }, () => "null");
    }
    if (label !== null && this.#pack.labels === undefined) {
      this.#pack.labels = Array.from({ length: numbers.length / 3 }, () => null);
    }
    this.#pack.results?.push(result);
    this.#pack.labels?.push(label);
    numbers.push(id, startedAt - base, at - base);
  }
}
