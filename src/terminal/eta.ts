// The remaining time, from what earlier runs took or else from the recent rate, and smoothed: a figure that jumps is worse than
// none.

/** Null while unknown. */
export type Eta = {
  readonly remainingMs: number | null;
  /** Finished tasks per second. */
  readonly perSecond: number | null;
};

export const unknownEta: Eta = { remainingMs: null, perSecond: null };

type Progress = {
  readonly now: number;
  readonly finished: number;
  /** Finished tasks, plus the finished fractions of running ones. */
  readonly work: number;
  /** Null while more tasks may come. */
  readonly total: number | null;
  /** The remaining time as earlier runs and this one say, in ms; undefined where earlier runs say nothing. */
  readonly learned?: (() => number | undefined) | undefined;
};

type Sample = { readonly at: number; readonly work: number; readonly finished: number };

const sampleEveryMs = 500;
/** 30 s of samples. */
const maxSamples = 60;
const knownAfterMs = 1000;
/** EMA factor per sample. */
const smoothing = 0.2;

export class EtaEstimator {
  readonly #samples: Sample[] = [];
  #first: Sample | undefined;
  /** Estimated end, epoch ms. */
  #endAt: number | undefined;

  next(progress: Progress): Eta {
    const { now, work, finished } = progress;
    const samples = this.#samples;
    const sample = { at: now, work, finished };
    const last = samples.at(-1);
    if (last !== undefined && now < last.at) this.#reset();
    const first = (this.#first ??= sample);
    if (samples.length === 0 || now - (last?.at ?? now) >= sampleEveryMs) {
      samples.push(sample);
      if (samples.length > maxSamples) samples.shift();
      const next = learnedEnd(progress) ?? estimate(progress, first, samples[0] ?? sample);
      this.#endAt = smoothed(this.#endAt, now, next);
    } else this.#endAt ??= learnedEnd(progress);
    return {
      // Never 0 while there is work left.
      remainingMs: this.#endAt === undefined ? null : Math.max(1, this.#endAt - now),
      perSecond: perSecond(first, samples[0] ?? sample, sample),
    };
  }

  /** The clock was set back: the samples are useless. */
  #reset(): void {
    this.#samples.length = 0;
    this.#first = undefined;
    this.#endAt = undefined;
  }
}

function learnedEnd({ now, total, learned }: Progress): number | undefined {
  const remainingMs = total === null ? undefined : learned?.();
  return remainingMs === undefined ? undefined : now + remainingMs;
}

/** The end, epoch ms. If no task has finished within the window, the rate is that of the whole run. */
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

/** Exponential moving average. A large difference is taken over at once: the old estimate was wrong. */
function smoothed(
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
