// Numbers, times and durations as people read them.

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const threeDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** `1,234,567` */
export const count = (value: number): string => plain.format(value);

/** `1 row`, `12,000 rows` */
export const counted = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

/** `0.25`, `12.5`, `340`, `56,900`: of what is measured, three digits say enough. */
export const rough = (value: number): string => threeDigits.format(value);

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

/** `340 ms`, `1.23 s`, `12.3 s`, `4 min 12 s`, `3 h 5 min`, `2 d 4 h` */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const whole = Math.round(ms / 1000) * 1000;
  const first = units.findIndex(([, size]) => whole >= size);
  const [[unit, size] = units[3], second] = units.slice(first, first + 2);
  const rest = second === undefined ? 0 : Math.floor((whole % size) / second[1]);
  const text = `${Math.floor(whole / size)} ${unit}`;
  return rest === 0 || second === undefined ? text : `${text} ${rest} ${second[0]}`;
}

/** An estimate, rounded up: `7 s`, `2 min 5 s`, `3 h 20 min`. */
export function roughDuration(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  return seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** The time of today, else with its day; `–` for what is no time: an address is typed, too. */
export function time(ms: number): string {
  const at = new Date(ms);
  if (Number.isNaN(at.getTime())) return "–";
  return (at.toDateString() === new Date().toDateString() ? clock : day).format(at);
}

/** `just now`, `5 min ago`, `2 d ago` */
export function ago(ms: number, now: number): string {
  const past = now - ms;
  if (past < 5_000) return "just now";
  // Of `3 h 5 min`, the hours say enough.
  const [amount, unit] = past < 60_000 ? [Math.floor(past / 1000), "s"] : duration(past).split(" ");
  return `${amount} ${unit} ago`;
}

/** `now`, `in 5 min 12 s`, `in 3 h 5 min` */
export const until = (ms: number, now: number): string =>
  ms - now < 500 ? "now" : `in ${roughDuration(ms - now)}`;

export const percent = (part: number, whole: number): string =>
  whole === 0 ? "–" : `${Math.floor((part / whole) * 100)} %`;
