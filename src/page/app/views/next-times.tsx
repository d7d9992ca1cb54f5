// When a schedule starts its pipeline next: in its own time zone, and in the reader's.

import type { ScheduleBrief } from "../../contract-schedules.ts";
import { until } from "../format.ts";
import { now } from "../live.ts";

/** Of the reader. */
const { timeZone: here } = Intl.DateTimeFormat().resolvedOptions();

export function NextTimes({ of: { next, tz, state } }: { readonly of: ScheduleBrief }) {
  const [first] = next;
  if (first === undefined) {
    return (
      <p class="next-times soft">{state.kind === "paused" ? "nothing until it is resumed" : "–"}</p>
    );
  }
  const zone = tz ?? here;
  const isLater = next.some(({ slot, start }) => start !== slot);
  const hasSeconds = next.some(({ start }) => start % 60_000 !== 0);
  const [there, local] = [zone, here].map((each) => timeIn(each, hasSeconds));
  return (
    <details class="next-times">
      <summary>
        <b>{until(first.start, now.value)}</b> <span class="soft">{there?.(first.start)}</span>
      </summary>
      <table>
        <thead>
          <tr>
            <th>{zone}</th>
            {zone === here ? null : <th>here</th>}
            {isLater ? <th>starts here</th> : null}
          </tr>
        </thead>
        <tbody>
          {next.map(({ slot, start }) => (
            <tr key={slot}>
              <td>{there?.(slot)}</td>
              {zone === here ? null : <td>{local?.(slot)}</td>}
              {isLater ? <td>{local?.(start)}</td> : null}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

/** `Sun, Nov 1, 01:30 AM GMT-4`: without the offset, the two hours of a clock that goes back would look the same. */
function timeIn(timeZone: string, hasSeconds: boolean): (at: number) => string {
  const format = new Intl.DateTimeFormat(undefined, {
    timeZone,
    weekday: "short",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    ...(hasSeconds && { second: "2-digit" }),
    timeZoneName: "short",
  });
  return (at) => format.format(at);
}
