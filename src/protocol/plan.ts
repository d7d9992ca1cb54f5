// What `--dry-run` shows: the graph as far as it is known before anything has run.

export type PlanNode = {
  /** 1, 2, 3 … ; what it needs has smaller numbers. */
  readonly id: number;
  /** `each`: a fan-out. */
  readonly kind: "task" | "each";
  readonly name: string;
  /** Ids of what it needs the results of. */
  readonly needs: readonly number[];
  /** Ids of what must be over before it, without passing data. */
  readonly after: readonly number[];
  /** What is set, in words: `retries 3`, `timeout 30 s`, `pool api`. */
  readonly settings: readonly string[];
  /** Of a fan-out: how many items; null when that is decided as it runs. */
  readonly items?: number | null;
};

export type Plan = {
  readonly pipeline: string;
  /** Whatever is needed comes first. */
  readonly nodes: readonly PlanNode[];
  /** What the pipeline asked for. */
  readonly roots: readonly number[];
  /** A generator had more to give than was looked at. */
  readonly more: boolean;
};
