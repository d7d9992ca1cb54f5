// Committed events on their way to main, as one text. Pure.

import { JSON } from "../../base/globals.ts";
import type { CommittedEvent, DonePack } from "../messages.ts";
import { sectionEnd, separator, truncated } from "./packed-text.ts";

/** The pack as JSON. If it has results, they follow the JSON as a section. */
type PackHead = Omit<DonePack, "results"> & { readonly hasResults: boolean };

export function packAnnouncement(events: readonly (CommittedEvent | DonePack)[]): string {
  const heads: (CommittedEvent | PackHead)[] = [];
  let sections = "";
  for (const event of events) {
    if (event.type !== "done") {
      heads.push(event);
      continue;
    }
    const { type, base, numbers, results } = event;
    heads.push({ type, base, numbers, hasResults: results !== undefined });
    if (results !== undefined) sections += sectionEnd + results.join(separator);
  }
  return JSON.stringify(heads) + sections;
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
  const [heads = "", ...sections] = text.split(sectionEnd);
  let section = 0;
  for (const head of JSON.parse(heads) as (CommittedEvent | PackHead)[]) {
    if (head.type !== "done") event(head);
    else if (!head.hasResults) done(head, undefined);
    else done(head, (sections[section++] ?? truncated()).split(separator));
  }
}
