// Durations as text.

const two = (n: number): string => String(n).padStart(2, "0");

/** A running clock: 0:03, 12:34, 1:02:03, 120:00:00. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours === 0
    ? `${minutes}:${two(seconds % 60)}`
    : `${hours}:${two(minutes)}:${two(seconds % 60)}`;
}

/** A measured duration: 340 ms, 7.3 s, 2 min 05 s, 3 h 20 min. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** An estimated duration, rounded up: 1 s, 7 s, 2 min 05 s. */
export function roughly(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  return seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
}

/** A wait that is known, rounded up to the last digit: now, in 250 ms, in 1.5 s, in 12 s, in 2 min 05 s. */
export function waitText(ms: number): string {
  if (ms <= 0) return "now";
  if (ms <= 999) return `in ${Math.ceil(ms)} ms`;
  return ms >= 10_000 ? `in ${roughly(ms)}` : `in ${Math.ceil(ms / 100) / 10} s`;
}

/** A wait that is shown again and again: in tenths of a second at the end, and whole seconds before. */
export function countdown(ms: number): string {
  const step = ms > 900 ? 1000 : 100;
  return waitText(Math.ceil(ms / step) * step);
}

const units = [
  { text: "d", ms: 86_400_000 },
  { text: "h", ms: 3_600_000 },
  { text: "min", ms: 60_000 },
  { text: "s", ms: 1000 },
];

/** A duration that somebody has set, in the largest unit that it is a multiple of: 7 d, 90 min, 45 s, 1500 ms. */
export function exactDuration(ms: number): string {
  const unit = units.find((each) => ms >= each.ms && ms % each.ms === 0);
  return unit === undefined ? `${ms} ms` : `${ms / unit.ms} ${unit.text}`;
}
