// A schedule with the defaults of src/api/schedule-options.ts.

import type { ScheduleRule } from "../../src/protocol/schedule-rule.ts";

export const rule = (part: Partial<ScheduleRule> & Pick<ScheduleRule, "when">): ScheduleRule => ({
  tz: null,
  jitterMs: 0,
  catchUp: "latest",
  windowMs: 86_400_000,
  overlap: "skip",
  startWithinMs: 900_000,
  pauseAfter: null,
  ...part,
});
