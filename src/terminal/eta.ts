// The remaining time, from the recent rate, and steady: a figure that jumps is worse than none.

/** What the frame shows of the pace; null while it is not known. */
export type Pace = {
  readonly remainingMs: number | null;
  /** Finished tasks per second. */
  readonly perSecond: number | null;
};

export const unknownPace: Pace = { remainingMs: null, perSecond: null };

export type Progress = {
  readonly now: number;
  readonly finished: number;
  /** Finished tasks and the parts of running ones that are done. */
  readonly work: number;
  /** Null while more tasks may come. */
  readonly total: number | null;
};

type Sample = { readonly at: number; readonly work: number; readonly finished: number };

const sampleEveryMs = 500;
/** 30 s of samples: long enough to even out, short enough to notice a change. */
const maxSamples = 60;
const knownAfterMs = 1000;
/** Of the difference between the old and the new estimate, how much is taken over per sample. */
const smoothing = 0.2;

export function createPace(): (progress: Progress) => Pace {
  const samples: Sample[] = [];
  let first: Sample | undefined;
  let endAt: number | undefined;
  return (progress) => {
    const { now, work, finished } = progress;
    const sample = { at: now, work, finished };
    first ??= sample;
    if (now < (samples.at(-1)?.at ?? now)) {
      // The clock was set back: what was measured by it says nothing any more.
      samples.length = 0;
      first = sample;
      endAt = undefined;
    }
    const last = samples.at(-1);
    if (last === undefined || now - last.at >= sampleEveryMs) {
      samples.push(sample);
      if (samples.length > maxSamples) samples.shift();
      endAt = steady(endAt, now, estimate(progress, first, samples[0] ?? sample));
    }
    return {
      // While there is work left it is never zero.
      remainingMs: endAt === undefined ? null : Math.max(1, endAt - now),
      perSecond: perSecond(first, samples[0] ?? sample, sample),
    };
  };
}

/** When all will be done, or undefined. Tasks that take longer than the window are judged by the whole run. */
function estimate(
  { now, work, total }: Progress,
  first: Sample,
  oldest: Sample,
): number | undefined {
  if (total === null || now - first.at < knownAfterMs) return undefined;
  const from = work - oldest.work >= 1 ? oldest : first;
  const gained = work - from.work;
  if (gained <= 0) return undefined;
  return now + (Math.max(0, total - work) * (now - from.at)) / gained;
}

/** Moves towards the new estimate; at once when they are far apart, because then the old one was wrong. */
function steady(
  before: number | undefined,
  now: number,
  next: number | undefined,
): number | undefined {
  if (before === undefined || next === undefined) return next;
  const far = Math.abs(next - before) > 0.5 * Math.max(2000, next - now);
  return far ? next : before + (next - before) * smoothing;
}

function perSecond(first: Sample, oldest: Sample, { at, finished }: Sample): number | null {
  const from = finished > oldest.finished ? oldest : first;
  const seconds = (at - from.at) / 1000;
  return seconds < knownAfterMs / 1000 ? null : (finished - from.finished) / seconds;
}
