// Compares observations with the model and the documentation. Each check throws a Finding that describes the difference
// in the documentation's terms.

import { check, Evidence, type Seen } from "./evidence.ts";
import { AttemptJudge } from "./judge-attempts.ts";
import { EndJudge } from "./judge-end.ts";
import { EventJudge } from "./judge-events.ts";
import { FileJudge } from "./judge-file.ts";
import { secret } from "./script.ts";

/** @throws Finding */
export function judge(seen: Seen): Evidence {
  noInternalError(seen);
  noSecret(seen);
  const evidence = new Evidence(seen);
  forgetLeftOver(evidence);
  new EventJudge(evidence).all();
  new FileJudge(evidence).all();
  new AttemptJudge(evidence).all();
  new EndJudge(evidence).all();
  return evidence;
}

/** A machine that has not heard that a session has died begins what it had of it: where the plan has it no more, that counts for nobody. */
function forgetLeftOver({ seen: { session, before, stage }, model }: Evidence): void {
  if (session.engine === undefined || before === undefined) return;
  const planned = stage.traces.filter(({ path }) => model.instances.has(path));
  stage.traces.splice(0, stage.traces.length, ...planned);
}

function noInternalError({ events, output, end }: Seen): void {
  for (const text of [JSON.stringify(events), ...output, JSON.stringify(end)]) {
    const at = text.search(/Internal error|a bug in pipeloom/);
    check(at < 0, () => `an internal error: ${text.slice(at, at + 200)}`);
  }
}

/** Secrets must not appear in text that pipeloom writes. Rows are excluded: they belong to the task's author. */
function noSecret({ events, output, end, after }: Seen): void {
  const own = { runs: after.runs, tasks: after.tasks, attempts: after.attempts, logs: after.logs };
  for (const [what, text] of Object.entries({
    events: JSON.stringify(events),
    output: output.join("\n"),
    end: JSON.stringify(end),
    file: JSON.stringify(own),
  })) {
    check(!text.includes(secret), () => `the secret is in the ${what}`);
  }
}
