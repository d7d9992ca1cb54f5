// Committed events on their way to main, as one text. Pure.

import { JSON } from "../../base/globals.ts";
import type { CommittedEvent, DonePack } from "../messages.ts";
import { separator, truncated } from "./packed-text.ts";

/** The pack as JSON. If it has results, they follow the JSON. */
type PackHead = Omit<DonePack, "results"> & { readonly hasResults: boolean };

export function packAnnouncement(events: readonly (CommittedEvent | DonePack)[]): string {
  const heads: (CommittedEvent | PackHead)[] = [];
  /** The first one is for the heads. */
  const pieces = [""];
  for (const event of events) {
    if (event.type !== "done") {
      heads.push(event);
      continue;
    }
    const { results, ...head } = event;
    heads.push({ ...head, hasResults: results !== undefined });
    if (results !== undefined) for (const result of results) pieces.push(result);
  }
  pieces[0] = JSON.stringify(heads);
  return pieces.join(separator);
}

/**
 * Calls one of the two for each event, in order.
 * @param results one JSON text per task of the pack; undefined when every result is `null`
 */
export function unpackAnnouncement(
  text: string,
  event: (event: CommittedEvent) => void,
  done: (pack: Omit<DonePack, "results">, results: readonly string[] | undefined) => void,
): void {
  const pieces = text.split(separator);
  let next = 1;
  for (const head of JSON.parse(pieces[0] ?? truncated()) as (CommittedEvent | PackHead)[]) {
    if (head.type !== "done") event(head);
    else if (!head.hasResults) done(head, undefined);
    else done(head, pieces.slice(next, (next += head.numbers.length / 3)));
  }
}
