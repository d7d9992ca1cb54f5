// Numbers, times and durations as people read them.

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** `1,234,567` */
export const count = (value: number): string => plain.format(value);

/** `340 ms`, `12.3 s`, `4 min 12 s`, `3 h 5 min`, `2 d 4 h` */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1000],
  ] as const;
  const first = units.findIndex(([, size]) => ms >= size);
  return units
    .slice(first, first + 2)
    .map(
      ([unit, size], index) =>
        [unit, Math.floor((index === 0 ? ms : ms % (units[first]?.[1] ?? 1)) / size)] as const,
    )
    .filter(([, amount], index) => index === 0 || amount > 0)
    .map(([unit, amount]) => `${amount} ${unit}`)
    .join(" ");
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** The time of today, else with its day. */
export function time(ms: number): string {
  const at = new Date(ms);
  return (at.toDateString() === new Date().toDateString() ? clock : day).format(at);
}

/** `just now`, `5 min ago`, `yesterday` … */
export function ago(ms: number, now: number): string {
  const past = now - ms;
  if (past < 5_000) return "just now";
  if (past < 60_000) return `${Math.floor(past / 1000)} s ago`;
  return `${duration(past).split(" ").slice(0, 2).join(" ")} ago`;
}

export const percent = (part: number, whole: number): string =>
  whole === 0 ? "–" : `${Math.floor((part / whole) * 100)} %`;
