// The graph of a run as it is stored in `pipeline_runs.graph`: task definitions and fan-outs instead of a million tasks.

export type GraphNode =
  /**
   * `id`: the definition, as in task keys. `tasks`: how many are planned. `names`: how many of them have which name of their own,
   * for the first 100 names; absent where none has.
   */
  | {
      readonly id: string;
      readonly kind: "task";
      readonly tasks: number;
      readonly names?: readonly (readonly [name: string, tasks: number])[];
      readonly hasMoreNames?: true;
    }
  /**
   * Fan-outs of one place in the code: an inner one is a fan-out for each item around it. `id`: `each:` and a hash of the place,
   * equal in each session and run of the same code. `items`: how many are planned.
   */
  | {
      readonly id: string;
      readonly kind: "each";
      readonly fanOuts: number;
      readonly items: number;
    };

/**
 * `input`: `to` reads the result of `from`. `after`: `to` waits for `from` and reads nothing. `item`: `to` begins an item of the
 * fan-out `from`. `result`: `to` is a fan-out, and an item of it ends with `from`.
 */
export type EdgeKind = "input" | "after" | "item" | "result";

export type GraphEdge = {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
  /** Between how many tasks. */
  readonly count: number;
};

/** Tasks that are planned. */
export const tasksIn = ({ nodes }: RunGraph): number =>
  nodes.reduce((sum, node) => sum + (node.kind === "task" ? node.tasks : 0), 0);

/** As far as it is planned, of the run's last session. */
export type RunGraph = {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** The run has more nodes or edges than are recorded. Absent: it has not. */
  readonly isCut?: true;
  /**
   * `members`: each task is told from others of its name by members of its input (`day=2025-05-13`), if at all. Absent: an author's
   * label or an input that is no object may do so too, or it is not known.
   */
  readonly labels?: "members";
};
