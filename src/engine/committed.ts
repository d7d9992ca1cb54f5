// Decodes the writer's `committed` messages. Pure.

import { unpackAnnouncement } from "../protocol/codec/announcements.ts";
import type { TaskFinished } from "../protocol/events.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { CommittedEvent, DonePack } from "../protocol/messages.ts";
import { staysInFile } from "../protocol/wants-result.ts";
import type { TaskVertex } from "../plan/vertex.ts";

/** The tasks that are in flight, by id. */
type Vertices = {
  get(id: TaskId): Pick<TaskVertex, "name" | "attempt" | "wantsResult"> | undefined;
};

export function unpackEvents(text: string, inFlight: Vertices): readonly CommittedEvent[] {
  const unpacked: CommittedEvent[] = [];
  unpackAnnouncement(
    text,
    (event) => unpacked.push(event),
    (pack, results) => unpackDone(pack, results, inFlight, unpacked),
  );
  return unpacked;
}

function unpackDone(
  { base, numbers }: Omit<DonePack, "results">,
  results: readonly string[] | undefined,
  inFlight: Vertices,
  into: CommittedEvent[],
): void {
  for (let i = 0; i < numbers.length; i += 3) {
    const id = numberAt(numbers, i) as TaskId;
    const vertex = inFlight.get(id);
    if (vertex === undefined) continue;
    const event: { -readonly [Key in keyof TaskFinished]: TaskFinished[Key] } = {
      type: "task-finished",
      id,
      name: vertex.name,
      attempt: vertex.attempt + 1,
      status: "done",
      startedAt: base + numberAt(numbers, i + 1),
      at: base + numberAt(numbers, i + 2),
    };
    if (vertex.wantsResult !== "no") {
      const result = results?.[i / 3] ?? "null";
      if (result !== staysInFile) event.result = result;
    }
    into.push(event);
  }
}

function numberAt(numbers: readonly number[], index: number): number {
  const number = numbers[index];
  if (number === undefined) throw new Error("Internal error: a pack of done tasks is cut short");
  return number;
}
