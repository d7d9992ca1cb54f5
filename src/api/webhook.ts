// `webhook(url)`: a ready-made `onFinish` that posts the summary.

import { AbortSignal, URL, JSON } from "../base/globals.ts";
import { failureLine } from "../base/failure.ts";
import type { RunSummary } from "../protocol/summary.ts";

export type WebhookOptions = {
  /** Which ends are worth a message. Default `"failure"`: failed or cancelled runs. */
  readonly on?: "failure" | "success" | "always";
  readonly headers?: Readonly<Record<string, string>>;
  /** What is posted as JSON. Default: `{ text, summary }`, whose `text` chat services show. */
  readonly body?: (summary: RunSummary) => unknown;
};

const attempts = 3;
const timeoutMs = 2500;

/**
 * For `pipeline({ onFinish: webhook("https://…") })`. Tried three times; that it could not be delivered is logged and
 * does not change the run's result.
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
    const request = {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body(summary)),
    };
    for (let attempt = 1; ; attempt++) {
      const problem = await post(target, request);
      if (problem === undefined) return;
      // The address may hold a token: only its host is named.
      if (attempt === attempts) throw new Error(`webhook to ${target.host}: ${problem}`);
      await Bun.sleep(200 * attempt);
    }
  };
}

/** Undefined when it was taken. */
async function post(url: URL, request: RequestInit): Promise<string | undefined> {
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.ok ? undefined : `answered ${response.status}`;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

function standardBody(summary: RunSummary): unknown {
  return { text: webhookText(summary), summary };
}

export function webhookText({
  pipeline,
  run,
  status,
  done,
  total,
  failed,
  failures,
  failure,
}: RunSummary): string {
  const head = `pipeloom: ${pipeline} (run ${run}) ${status === "error" ? "failed" : status}: ${done} of ${total} tasks done`;
  const first = failures[0];
  const why =
    failure !== null
      ? failureLine(failure)
      : first === undefined
        ? undefined
        : `${first.name}: ${failureLine(first.failure)}`;
  return `${head}${failed > 0 ? `, ${failed} failed` : ""}${why === undefined ? "" : `\n${why}`}`;
}
