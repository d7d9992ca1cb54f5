// The built-in demonstration: tasks that sleep, report progress, and fail at a given rate.

import { pipeline, task } from "pipeloom";

type Settings = { steps: number; minStepMs: number; maxStepMs: number; failRate: number };

const work = task({
  name: "task",
  async run(settings: Settings, ctx) {
    // Drawn once per task, so that a rate of 1 fails every task.
    const failsAt =
      Math.random() < settings.failRate ? Math.ceil(between(0, settings.steps)) || 1 : undefined;
    for (let step = 1; step <= settings.steps; step++) {
      await sleep(between(settings.minStepMs, settings.maxStepMs), ctx.signal);
      ctx.progress(step, settings.steps, `step ${step} of ${settings.steps}`);
      if (step === failsAt) throw new Error(`simulated failure at step ${step}`);
    }
    if (failsAt !== undefined) throw new Error("simulated failure");
  },
});

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

const between = (low: number, high: number): number => low + Math.random() * (high - low);

export default pipeline({
  name: "demo",
  params: { tasks: 20, steps: 20, minStepMs: 50, maxStepMs: 100, failRate: 0 },
  total: ({ params }) => params.tasks,
  *tasks({ params }) {
    const { tasks, ...settings } = params;
    for (let i = 1; i <= tasks; i++) yield work(settings, { name: `task-${i}` });
  },
});
