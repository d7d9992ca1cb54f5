// The pipelines and schedules of all databases that a page shows.

import { failureLine, toFailure } from "../../base/failure.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { Promise } from "../../base/globals.ts";
import { ReaderError } from "../../store/read/reader-error.ts";
import { type Asked, wholeIn } from "../asked.ts";
import type { PipelineBrief, PipelinesView } from "../contract-runs.ts";
import { pipelinesFrom, pipelinesOfPage, pipelinesView } from "../data/pipelines-view.ts";
import type { SlotBar } from "../contract-schedules.ts";
import type { PageDatabase } from "../page-database.ts";
import { FileMemo } from "./file-memo.ts";
import { isThere } from "./served-databases.ts";
import type { Place, Shown } from "./shown.ts";

/** So long, nothing more is asked of a file that could not be read. */
const restMs = 5_000;

type Read =
  | { readonly pipelines: readonly PipelineBrief[]; readonly total: number }
  | { readonly problem: string };

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

  /** `?offset=`. @throws ReaderError where the only database cannot be read */
  async pipelines(asked: Pick<Asked, "search">): Promise<PipelinesView> {
    const { served, places } = this.shown;
    if (served === undefined) return pipelinesView(this.shown.of(null), asked);
    const offset = wholeIn(asked.search, "offset") ?? 0;
    // All of the page may be of one database.
    const most = roundedUp(offset + pipelinesOfPage);
    const pipelines: PipelineBrief[] = [];
    let total = 0;
    const unreadable: { path: string; problem: string }[] = [];
    for (const place of places.filter(isThere)) {
      const read = this.#read.of(place.path, String(most), () => this.#readNow(place, most));
      if ("problem" in read) unreadable.push({ path: place.path, problem: read.problem });
      else {
        pipelines.push(...read.pipelines);
        total += read.total;
      }
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
        .slice(offset, offset + pipelinesOfPage)
        .map((each) => ({
          ...each,
          next: nexts.get(`${pathOf.get(each.database)}\n${each.name}`) ?? null,
        })),
      offset,
      total,
      unreadable,
    };
  }

  #readNow(place: Place, most: number): Read {
    try {
      return this.look(place, (database) => pipelinesFrom(database, 0, most));
    } catch (thrown) {
      if (thrown instanceof ReaderError && thrown.code === "no-tables") {
        return { pipelines: [], total: 0 };
      }
      return { problem: failureLine(toFailure(thrown)) };
    }
  }
}

/** What is kept of a file is kept for few of these. */
const roundedUp = (most: number): number => 2 ** Math.ceil(Math.log2(most));
