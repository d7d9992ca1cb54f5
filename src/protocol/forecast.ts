// How long a run will still take, from what its tasks take. Pure.
//
// The model: tasks of one stage run side by side, and one stage follows the other; a stage takes its work divided by the slots,
// or as long as its longest task. In a real run stages overlap, and tasks wait for a limit, a commit or another program. So the
// model's time is multiplied by the stretch: at first that of earlier runs, then more and more that of this one, which is the
// time that has passed divided by the model's time for what has been done in it.

/** The tasks of one definition. */
type TaskCounts = {
  /** Estimated duration of one. */
  readonly meanMs: number;
  /** Those that have not ended, by stage; the running ones too. */
  readonly left: readonly number[];
  /** Those that this session has run to their end, by stage. */
  readonly ran: readonly number[];
};

export type RunningTask = {
  /** Index of its definition's counts. */
  readonly definition: number;
  readonly stage: number;
  readonly elapsedMs: number;
  /** 0..1; undefined if it has reported none. */
  readonly progress: number | undefined;
  /** What tasks that took longer than this one so far took beyond that. Undefined: not known, or no task took longer. */
  readonly usualRestMs?: number | undefined;
  /** No task took longer than this. Undefined: not known. */
  readonly longestMs?: number | undefined;
};

export type Situation = {
  readonly slots: number;
  readonly counts: readonly TaskCounts[];
  readonly running: readonly RunningTask[];
  /** Tasks that will come and are not planned yet. They are taken to be like the others. */
  readonly expected: number;
  /** Since the session began. */
  readonly elapsedMs: number;
  /** Of earlier runs. */
  readonly stretch: number;
};

/** What a task takes: the mean of earlier runs weighs as much as this many tasks of this run. */
export const learnedWeight = 3;

/** The rest of a running task is at least this part of the usual duration, */
const leastRest = 0.05;
/** and this part of the time for which it is overdue. */
const overdueRest = 0.2;
/** Less progress than this says nothing. */
const leastProgress = 0.02;
/** From this progress on, a task's own rate alone counts. */
const enoughProgress = 0.5;
/** The stretch of earlier runs weighs as much as this part of the run, */
const weight = 0.15;
/** and this much in addition: in the first moments, the time that passes says nothing. */
const leastWeightMs = 100;

/** Undefined where no time is left, as far as is known. */
export function remainingMs(now: Situation): number | undefined {
  const { leftMs, allMs, waitingPart } = modelOf(now);
  if (leftMs <= 0) return undefined;
  const doneMs = Math.max(0, allMs - leftMs);
  const weightMs = weight * allMs + leastWeightMs;
  const stretch = (now.stretch * weightMs + now.elapsedMs) / (weightMs + doneMs);
  // A task that runs already waits for nothing.
  return leftMs * (1 + (stretch - 1) * waitingPart);
}

/** The stretch of a session that has run to its end; null where its tasks took no time. */
export function stretchOf(end: Situation): number | null {
  const { allMs } = modelOf({ ...end, running: [], expected: 0 });
  return allMs <= 0 ? null : end.elapsedMs / allMs;
}

type Model = {
  /** The model's time for what is left, and for all of the session. */
  readonly leftMs: number;
  readonly allMs: number;
  /** The part (0..1) of the work that is left and has not begun. */
  readonly waitingPart: number;
};

function modelOf(now: Situation): Model {
  let [leftMs, allMs, planned, leftWork, waitingWork] = [0, 0, 0, 0, 0];
  for (const stage of stagesOf(now)) {
    leftMs += timeOf(stage.left, now.slots);
    allMs += timeOf(stage.all, now.slots);
    planned += stage.all.tasks;
    leftWork += stage.left.work;
    waitingWork += stage.waitingWork;
  }
  const more = planned === 0 ? 0 : now.expected / planned;
  const waitingPart = leftWork === 0 ? 1 : waitingWork / leftWork;
  return { leftMs: leftMs + more * allMs, allMs: allMs + more * allMs, waitingPart };
}

/** Tasks of one stage. */
type Load = { tasks: number; work: number; longest: number };
type Stage = { readonly left: Load; readonly all: Load; waitingWork: number };

/** Where there are more tasks than slots, the last ones do not end at once: on average, half of a task's time is lost. */
function timeOf({ tasks, work, longest }: Load, slots: number): number {
  const lost = tasks > slots ? (longest * (1 - 1 / slots)) / 2 : 0;
  return Math.max(longest, work / slots + lost);
}

function put(load: Load, tasks: number, eachMs: number): void {
  if (tasks <= 0) return;
  load.tasks += tasks;
  load.work += tasks * eachMs;
  load.longest = Math.max(load.longest, eachMs);
}

function stagesOf({ counts, running }: Situation): readonly Stage[] {
  const length = Math.max(0, ...counts.map(({ left, ran }) => Math.max(left.length, ran.length)));
  const stages = Array.from({ length }, noStage);
  const waiting = counts.map(({ left }) => [...left]);
  for (const task of running) {
    const stage = stages[task.stage];
    const own = waiting[task.definition];
    if (stage === undefined || own === undefined) continue;
    own[task.stage] = (own[task.stage] ?? 0) - 1;
    const restMs = restOf(task, counts[task.definition]?.meanMs ?? 0);
    put(stage.left, 1, restMs);
    put(stage.all, 1, task.elapsedMs + restMs);
  }
  for (const [definition, { meanMs, ran }] of counts.entries()) {
    const own = waiting[definition] ?? [];
    for (const [at, stage] of stages.entries()) {
      const left = own[at] ?? 0;
      put(stage.left, left, meanMs);
      put(stage.all, left + (ran[at] ?? 0), meanMs);
      stage.waitingWork += left * meanMs;
    }
  }
  return stages;
}

const noLoad = (): Load => ({ tasks: 0, work: 0, longest: 0 });
const noStage = (): Stage => ({ left: noLoad(), all: noLoad(), waitingWork: 0 });

/** Nothing is known of tasks that take so long. Without a longest one, the mean is what a task takes. */
function overdueOf({ elapsedMs, longestMs = 0 }: RunningTask, meanMs: number): number {
  const overdueMs = Math.max(0, elapsedMs - Math.max(meanMs, longestMs));
  return Math.max(meanMs - elapsedMs, leastRest * meanMs + overdueRest * overdueMs);
}

function restOf(task: RunningTask, meanMs: number): number {
  const { elapsedMs, progress } = task;
  const usual = task.usualRestMs ?? overdueOf(task, meanMs);
  if (progress === undefined || progress < leastProgress) return usual;
  const own = (elapsedMs * (1 - progress)) / progress;
  const trust = Math.min(1, progress / enoughProgress);
  return usual * (1 - trust) + own * trust;
}
