// The pipelines and schedules of all databases that a page shows.

import { failureLine, toFailure } from "../../base/failure.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { Promise } from "../../base/globals.ts";
import { ReaderError } from "../../store/read/reader-error.ts";
import type { PipelineBrief, PipelinesView } from "../contract-runs.ts";
import { pipelinesView } from "../data/pipelines-view.ts";
import type { SlotBar } from "../contract-schedules.ts";
import type { PageDatabase } from "../page-database.ts";
import { FileMemo } from "./file-memo.ts";
import { isThere } from "./served-databases.ts";
import type { Place, Shown } from "./shown.ts";

/** A page with more cannot be read. */
const maxPipelines = 200;

/** So long, nothing more is asked of a file that could not be read. */
const restMs = 5_000;

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

  readonly #failed = new Map<string, { readonly thrown: unknown; readonly until: number }>();
  readonly #clock: Pick<Clock, "now">;

  constructor(shown: Shown, clock: Pick<Clock, "now"> = systemClock) {
    this.shown = shown;
    this.#clock = clock;
  }

  /** A file that is locked holds up everything for 250 ms, and it may be that of many pipelines. @throws like `Shown.look` */
  look<Result>(place: Place, read: (database: PageDatabase) => Result): Result {
    const now = this.#clock.now();
    const failed = this.#failed.get(place.path);
    if (failed !== undefined && now < failed.until) throw failed.thrown;
    this.#failed.delete(place.path);
    try {
      return this.shown.look(place, read);
    } catch (thrown) {
      this.#failed.set(place.path, { thrown, until: now + restMs });
      throw thrown;
    }
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
      return this.look(place, (database) => pipelinesView(database));
    } catch (thrown) {
      if (thrown instanceof ReaderError && thrown.code === "no-tables") return { pipelines: [] };
      return { problem: failureLine(toFailure(thrown)) };
    }
  }
}
