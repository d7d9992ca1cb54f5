// What `--dry-run` shows: the part of the graph that is known before any task has run.

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
  /** Number of items of a fan-out; null when it is known only during the run. */
  readonly items?: number | null;
};

export type Plan = {
  readonly pipeline: string;
  /** Each node comes after the nodes that it needs. */
  readonly nodes: readonly PlanNode[];
  /** Ids of the nodes that `tasks` returned. */
  readonly roots: readonly number[];
  /** True when a generator would yield more nodes than are shown. */
  readonly more: boolean;
};
