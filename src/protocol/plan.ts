// What `--dry-run` shows: the part of the graph that is known before any task has run.

import type { PassedOver } from "./run-request.ts";
import type { RunId } from "./ids.ts";
import type { Rerun } from "./reruns.ts";
import type { PartsChange } from "./reuse.ts";

export type PlanNode = {
  /** 1, 2, 3 …; the nodes that this one needs have smaller ids. */
  readonly id: number;
  /** `each`: a fan-out. */
  readonly kind: "task" | "each";
  readonly name: string;
  /** Ids of the nodes whose results are its input. */
  readonly needs: readonly number[];
  /** Ids of the nodes that must end before it starts and pass it no data. */
  readonly after: readonly number[];
  /** The options that are set, as text: `retries 3`, `timeout 30 s`, `pool api`. */
  readonly settings: readonly string[];
  /** How many tasks it stands for: equal items of a fan-out are one node. Null when that is known only during the run. */
  readonly count: number | null;
  /** Id of the fan-out whose items have it; null outside of fan-outs. */
  readonly inside: number | null;
  /** Of a fan-out: the number of its items; null when it is known only during the run. */
  readonly items?: number | null;
  /** Of a fan-out: ids of the nodes that its items return, as far as they are known. */
  readonly exits?: readonly number[];
};

/** What a run would do about the tasks of one definition. */
export type NextTask = {
  readonly task: string;
  /** Tasks that are done and would be kept. */
  readonly kept: number;
  /** Tasks that have ended or begun, and would run from their beginning, or be kept as the user asks. */
  readonly rerun: Rerun | null;
  /** Tasks that failed and would run again, unless they are optional. */
  readonly failed: number;
  /** In the run's last session, tasks of it depended on some of a definition that runs again with what depends on it. */
  readonly follows?: true;
};

/** Which results of earlier runs a run would take for the tasks of a definition with `reuse`. */
export type NextReuse = {
  readonly task: string;
  /** The last run with such results. */
  readonly run: RunId | null;
  /** How many it has: they are taken where the input is the same. */
  readonly results: number;
  /**
   * Null: they would be taken. Otherwise the tasks run: it is the first run with this definition; something has changed; not
   * all of its code is known; none was done; all are too old; or the rows that they left are not as they were (`rows` says why).
   */
  readonly why: "first" | "changed" | "unknown code" | "none done" | "too old" | "rows" | null;
  readonly changed: PartsChange | null;
  readonly rows?: string;
};

/** What a run would begin with. `reuse`: of the definitions that use it. `tasks` of a new run: names of all definitions. */
export type NextRun =
  | {
      readonly kind: "new";
      readonly tasks: readonly string[];
      readonly reuse: readonly NextReuse[];
      readonly passedOver?: PassedOver;
    }
  /** The run is alive in another process. */
  | { readonly kind: "refused"; readonly because: string }
  | {
      readonly kind: "continued";
      readonly run: RunId;
      readonly tasks: readonly NextTask[];
      readonly reuse: readonly NextReuse[];
    };

export type Plan = {
  readonly pipeline: string;
  /** Each node comes after the nodes that it needs. */
  readonly nodes: readonly PlanNode[];
  /** Ids of the nodes that `tasks` returned. */
  readonly roots: readonly number[];
  /** True when a generator would yield more nodes than are shown. */
  readonly more: boolean;
  /** What `--only` selects, as a line. Absent without it. */
  readonly only?: string;
};

/** With what `--dry-run` found in the database. */
export type DryRun = Plan & { readonly next: NextRun };
