// When a schedule starts its pipeline next: in its own time zone, and in the reader's.

import type { ScheduleBrief } from "../../contract-schedules.ts";
import { until } from "../format.ts";

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
  return (
    <details class="next-times">
      <summary>
        <b>{until(first.start, Date.now())}</b> <span class="soft">{timeIn(zone)(first.slot)}</span>
      </summary>
      <table>
        <thead>
          <tr>
            <th>{zone}</th>
            {zone === here ? null : <th>here</th>}
          </tr>
        </thead>
        <tbody>
          {next.map(({ slot }) => (
            <tr key={slot}>
              <td>{timeIn(zone)(slot)}</td>
              {zone === here ? null : <td>{timeIn(here)(slot)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

/** `Sun, Nov 1, 01:30:00 GMT-4`: without the offset, the two hours of a clock that goes back would look the same. */
function timeIn(timeZone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat(undefined, {
    timeZone,
    weekday: "short",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  });
  return (at) => format.format(at);
}
