// Tasks that report progress far more often than the screen is drawn. The last report is half of the total, so that it
// differs from the progress of a done task.

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
