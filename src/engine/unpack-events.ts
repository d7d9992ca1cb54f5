// Decodes the writer's `committed` messages. Pure.

import { unpackAnnouncement } from "../protocol/codec/announcements.ts";
import { numberAt } from "../protocol/codec/packed-text.ts";
import type { TaskFinished } from "../protocol/events.ts";
import type { TaskId } from "../protocol/ids.ts";
import type { CommittedEvent, DonePack } from "../protocol/messages.ts";
import { staysInFile } from "../protocol/wants-result.ts";
import type { TaskVertex } from "../plan/vertex.ts";
import { assertNever } from "../base/unreachable.ts";
import type { Inputs } from "./inputs.ts";

/** The tasks that are in flight, by id. */
type Vertices = {
  get(id: TaskId): Known | undefined;
};

type Known = Pick<TaskVertex, "name" | "label" | "attempt" | "wantsResult" | "inputText">;
type ShownInputs = Pick<Inputs, "shown">;

export function unpackEvents(
  text: string,
  inFlight: Vertices,
  inputs: ShownInputs,
): readonly CommittedEvent[] {
  const unpacked: CommittedEvent[] = [];
  unpackAnnouncement(
    text,
    (event) => unpacked.push(withItem(event, inFlight, inputs)),
    (pack, results) => unpackDone(pack, results, inFlight, inputs, unpacked),
  );
  return unpacked;
}

/** The writer gets inputs to store them, and sends none back. */
function withItem(event: CommittedEvent, inFlight: Vertices, inputs: ShownInputs): CommittedEvent {
  switch (event.type) {
    case "task-started":
    case "task-log":
    case "task-retrying":
    case "task-finished": {
      const vertex = inFlight.get(event.id);
      if (vertex === undefined) return event;
      return Object.assign(event, {
        input: inputs.shown(vertex),
        label: event.label ?? vertex.label,
      });
    }
    case "task-progress":
    case "task-checkpoint":
    case "run-total":
      return event;
    default:
      return assertNever(event);
  }
}

function unpackDone(
  { base, numbers, labels, machine }: Omit<DonePack, "results">,
  results: readonly string[] | undefined,
  inFlight: Vertices,
  inputs: ShownInputs,
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
      label: labels?.[i / 3] ?? vertex.label,
      input: inputs.shown(vertex),
    };
    if (machine !== undefined) event.machine = machine;
    if (vertex.wantsResult !== "no") {
      const result = results?.[i / 3] ?? "null";
      if (result !== staysInFile) event.result = result;
    }
    into.push(event);
  }
}
