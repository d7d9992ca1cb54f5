import type { TaskRecord } from "../../src/protocol/messages.ts";
import { readPart } from "../../src/protocol/unit-part.ts";

/** The `rows` record of a part, as the writer reads it. */
export function readRows(text: string): Extract<TaskRecord, { type: "rows" }> {
  const part = readPart(text);
  if (part.type !== "rows") throw new Error(`a part of type ${part.type}`);
  return part;
}
