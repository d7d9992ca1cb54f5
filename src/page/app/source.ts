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

  /** The database cannot be read just now, because another program has locked it: asked again, it may answer. */
  get isPassing(): boolean {
    return this.status === 503;
  }
}

export const noAnswer = (): SourceError =>
  new SourceError(0, { problem: "pipeloom does not answer", next: "is pipeloom still running?" });

/** After an error that passes. */
export const retryMs = 1_000;

/** What was thrown while something was asked for. */
export const asSourceError = (thrown: unknown): SourceError =>
  thrown instanceof SourceError ? thrown : new SourceError(0, { problem: String(thrown) });

/**
 * `/db/17`: of a page that shows several databases, the one that an address is about. Empty: all of them, or the only one.
 * @param path of an address
 */
export const baseIn = (path: string): string => /^\/db\/\d+(?=\/|$)/.exec(path)?.[0] ?? "";

/** The whole address of a question about what is looked at. */
const wholeOf = (path: string): string =>
  baseIn(path) === "" ? baseIn(location.pathname) + path : path;

/** @param path with its parameters, below /data/, with or without a base @throws SourceError */
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
    response = await fetch(wholeOf(path), init);
  } catch (thrown) {
    if (init.signal?.aborted === true) throw thrown;
    throw noAnswer();
  }
  const body = await response.json();
  if (response.ok) return body as T;
  throw new SourceError(response.status, body as Problem);
}
