// Tasks that report progress much more often than anyone looks. The last report is half of the total, so that it can be
// told from a task that is simply done.

import { pipeline, task } from "pipeloom";

const messages = Array.from({ length: 1000 }, (_, call) => `step ${call + 1}`);

const report = task({
  name: "report",
  run({ calls }: { calls: number }, ctx) {
    for (let call = 1; call <= calls; call++) ctx.progress(call, 2 * calls, messages[call - 1]);
  },
});

export default pipeline({
  name: "progress",
  params: { tasks: 10_000, calls: 100 },
  *tasks({ params }) {
    const { tasks, calls } = params;
    for (let i = 0; i < tasks; i++) yield report({ calls });
  },
});
