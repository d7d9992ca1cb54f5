// What a unit consists of, each as one text: row batches, tables to be made for them, messages that were emitted, and values
// of `ctx.state`.

import { JSON } from "../../base/globals.ts";
import type { WantedTable } from "../column-values.ts";
import type { TaskId } from "../ids.ts";
import { unitItemMark } from "../writer-records.ts";
import { jsonEnd } from "./row-batch-format.ts";
import { type RowBatch, RowBatchReader } from "./row-batch-reader.ts";

/** A message of the pipeline's own: its `apply` runs in the writer. */
export type EmittedMessage = {
  readonly type: "emit";
  readonly id: TaskId;
  readonly message: string;
  /** JSON text. */
  readonly payload: string;
};

/** A value of `ctx.state`. */
export type StateValue = {
  readonly type: "state";
  readonly id: TaskId;
  readonly key: string;
  /** JSON text. */
  readonly value: string;
  /** Epoch ms. */
  readonly at: number;
};

type UnitItem = RowBatch | EmittedMessage | WantedTable | StateValue;

/** A row batch has a format of its own (row-batch-packer.ts). */
export const packItem = (item: Exclude<UnitItem, RowBatch>): string =>
  unitItemMark + JSON.stringify(item);

export class UnitItemReader {
  readonly #batches = new RowBatchReader();

  /**
   * A row batch is valid until the next call.
   * @param text with its mark
   */
  read(text: string): UnitItem {
    const end = text.indexOf(jsonEnd);
    return end === -1
      ? (JSON.parse(text.slice(unitItemMark.length)) as Exclude<UnitItem, RowBatch>)
      : this.#batches.read(text, end);
  }
}
