// Where the page's data comes from: its server, or the report that it is in.

import type { ReportData } from "../contract-report.ts";
import type { Problem } from "../contract.ts";
import { reportAnswer } from "./report-source.ts";

const embedded = document.getElementById("embedded");

/** A file that was mailed: there is no server, and nothing changes. Undefined: the page has a server. */
export const report: ReportData | undefined =
  embedded === null ? undefined : JSON.parse(embedded.textContent ?? "{}");

export const isReport = report !== undefined;

/** What the server says is wrong, or that it cannot be reached. */
export class SourceError extends Error {
  readonly next: string | undefined;
  /** 0: there was no answer. */
  readonly status: number;
  constructor(status: number, { problem, next }: Problem) {
    super(problem);
    this.status = status;
    this.next = next;
  }
}

/** What was thrown while something was asked for. */
export const asSourceError = (thrown: unknown): SourceError =>
  thrown instanceof SourceError ? thrown : new SourceError(0, { problem: String(thrown) });

/** @param path with its parameters, below /data/ @throws SourceError */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  if (report !== undefined) {
    const answer = reportAnswer(report, path);
    if (answer !== undefined) return answer as T;
    throw new SourceError(404, {
      problem: "the report does not have this",
      next: "the database has it: pipeloom ui",
    });
  }
  return ask<T>(path, signal === undefined ? {} : { signal });
}

/** @throws SourceError */
export const post = <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> =>
  ask<T>(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (thrown) {
    if (init.signal?.aborted === true) throw thrown;
    throw new SourceError(0, {
      problem: "pipeloom does not answer",
      next: "is pipeloom ui still running?",
    });
  }
  const body = await response.json();
  if (response.ok) return body as T;
  throw new SourceError(response.status, body as Problem);
}
