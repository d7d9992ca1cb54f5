// Committed events on their way to main, as one text. Pure.

import { JSON } from "../../base/globals.ts";
import type { DonePack, WireEvent } from "../messages.ts";
import { sectionEnd, separator, truncated } from "./packed-text.ts";

type PackHead = Omit<DonePack, "results"> & { readonly hasResults: boolean };

/** The events as JSON, followed by one section of results for each pack that has any. */
export function packAnnouncement(events: readonly WireEvent[]): string {
  const sections: string[] = [];
  const heads = events.map((event) => {
    if (event.type !== "done") return event;
    const { results, ...head } = event;
    if (results !== undefined) sections.push(results.join(separator));
    return { ...head, hasResults: results !== undefined } satisfies PackHead;
  });
  return [JSON.stringify(heads), ...sections].join(sectionEnd);
}

export function unpackAnnouncement(text: string): WireEvent[] {
  const [heads = "", ...sections] = text.split(sectionEnd);
  let section = 0;
  return (JSON.parse(heads) as (Exclude<WireEvent, DonePack> | PackHead)[]).map((event) => {
    if (event.type !== "done") return event;
    const { hasResults, ...pack } = event;
    if (!hasResults) return pack;
    return { ...pack, results: (sections[section++] ?? truncated()).split(separator) };
  });
}
