// A task as a worker gets it.

import { taskId } from "../../src/protocol/ids.ts";
import type { Assignment } from "../../src/protocol/messages.ts";

export const assignment = (id: number): Assignment => ({
  id: taskId(id),
  task: "t",
  name: "t",
  attempt: 1,
  input: "null",
  wantsResult: "no",
});
