// The pipelines and schedules of all databases that a page shows.

import { failureLine, toFailure } from "../../base/failure.ts";
import { systemClock } from "../../base/clock.ts";
import { Promise } from "../../base/globals.ts";
import { ReaderError } from "../../store/read/reader-error.ts";
import type { PipelineBrief, PipelinesView } from "../contract-runs.ts";
import { pipelinesView } from "../data/pipelines-view.ts";
import type { SlotBar } from "../contract-schedules.ts";
import { FileMemo } from "./file-memo.ts";
import { isThere } from "./served-databases.ts";
import type { Place, Shown } from "./shown.ts";

/** A page with more cannot be read. */
const maxPipelines = 200;

type Read = { readonly pipelines: readonly PipelineBrief[] } | { readonly problem: string };

export class PageOverview {
  readonly shown: Shown;
  readonly #read = new FileMemo<Read>(
    (read) =>
      "problem" in read ||
      read.pipelines.some(({ recent }) => recent.some(({ status }) => status === "running")),
  );
  /** The last slots of a pipeline that have a run. */
  readonly slots = new FileMemo<readonly SlotBar[]>((slots) =>
    slots.some(({ state }) => state === "running"),
  );

  constructor(shown: Shown) {
    this.shown = shown;
  }

  /** @throws ReaderError where the only database cannot be read */
  async pipelines(): Promise<PipelinesView> {
    const { served, places } = this.shown;
    if (served === undefined) return pipelinesView(this.shown.of(null));
    const pipelines: PipelineBrief[] = [];
    const unreadable: { path: string; problem: string }[] = [];
    for (const place of places.filter(isThere)) {
      const read = this.#read.of(place.path, "", () => this.#readNow(place));
      if ("problem" in read) unreadable.push({ path: place.path, problem: read.problem });
      else pipelines.push(...read.pipelines);
      // Between two files, others are answered, and slots begin on time.
      await new Promise<void>((resolve) => systemClock.soon(resolve));
    }
    const nexts = new Map(
      served
        .served()
        .pipelines.map(({ db, name, next }) => [`${db}\n${name}`, next[0]?.start ?? null]),
    );
    const pathOf = new Map(places.map(({ id, path }) => [id, path]));
    return {
      pipelines: pipelines
        .toSorted((a, b) => b.last.startedAt - a.last.startedAt)
        .slice(0, maxPipelines)
        .map((each) => ({
          ...each,
          next: nexts.get(`${pathOf.get(each.database)}\n${each.name}`) ?? null,
        })),
      unreadable,
    };
  }

  #readNow(place: Place): Read {
    try {
      return this.shown.look(place, (database) => pipelinesView(database));
    } catch (thrown) {
      if (thrown instanceof ReaderError && thrown.code === "no-tables") return { pipelines: [] };
      return { problem: failureLine(toFailure(thrown)) };
    }
  }
}
