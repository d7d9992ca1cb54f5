// `webhook(url)`: an `onFinish` that posts the summary of the run.

import { JSON, URL } from "../base/globals.ts";
import { failureLine } from "../base/failure.ts";
import { post } from "../base/post.ts";
import type { RunSummary } from "../protocol/summary.ts";

export type WebhookOptions = {
  /** The runs that are posted. `"failure"`, the default: failed and cancelled runs. */
  readonly on?: "failure" | "success" | "always";
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes the body, which is posted as JSON. Default: `{ text, summary }`; chat services show `text`. */
  readonly body?: (summary: RunSummary) => unknown;
};

const attempts = 3;
const timeoutMs = 2500;

/**
 * For `pipeline({ onFinish: webhook("https://…") })`. Three attempts, of 2.5 s each at most. A failed delivery is logged,
 * and does not change the run's outcome.
 * @throws TypeError for an invalid URL
 */
export function webhook(
  url: string | URL,
  options: WebhookOptions = {},
): (summary: RunSummary) => Promise<void> {
  const target = new URL(url);
  const { on = "failure", headers = {}, body = standardBody } = options;
  return async (summary) => {
    const succeeded = summary.status === "done";
    if ((on === "failure" && succeeded) || (on === "success" && !succeeded)) return;
    const message = { headers, body: JSON.stringify(body(summary)), timeoutMs };
    for (let attempt = 1; ; attempt++) {
      const problem = await post(target, message);
      if (problem === undefined) return;
      // The URL may contain a token, so the error names only its host.
      if (attempt === attempts) throw new Error(`webhook to ${target.host}: ${problem}`);
      await Bun.sleep(200 * attempt);
    }
  };
}

function standardBody(summary: RunSummary): unknown {
  return { text: webhookText(summary), summary };
}

/** Failed tasks that the text names; `summary.failures` has more of them. */
const maxNamed = 5;
/** Characters of an input and of a message. */
const maxShown = 200;

function webhookText(summary: RunSummary): string {
  const { pipeline, run, status, done, total, failed, failure, rerun } = summary;
  const head = `pipeloom: ${pipeline} (run ${run}) ${status === "error" ? "failed" : status}: ${done} of ${total} tasks done`;
  return [
    `${head}${failed > 0 ? `, ${failed} failed` : ""}`,
    ...(failure === null ? [] : [short(failureLine(failure))]),
    ...failedTasks(summary),
    ...(rerun === null ? [] : [`to run what failed again: ${rerun}`]),
  ].join("\n");
}

function failedTasks({ failed, failures }: RunSummary): readonly string[] {
  const named = failures.slice(0, maxNamed);
  const lines = named.map(({ name, label, input, failure }) => {
    const item = label ?? (input === "null" ? "" : short(input));
    const which = item === "" ? name : `${name} ${item}`;
    return `${which}: ${short(failureLine(failure))}`;
  });
  const rest = failed - named.length;
  return rest > 0 ? [...lines, `and ${rest} more`] : lines;
}

const short = (text: string): string =>
  text.length > maxShown ? `${text.slice(0, maxShown).toWellFormed()}…` : text;
