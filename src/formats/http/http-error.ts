/**
 * A server has refused a request of `fetchRetry`, `fetchPages` or `jsonLines`, and another try would not help, or has not
 * helped. `code`: the status as text.
 */
export class HttpError extends Error {
  override readonly name = "HttpError";
  /** Without a password. */
  readonly url: string;
  readonly status: number;
  readonly code: string;
  /** Requests that were made. */
  readonly tries: number;

  constructor(url: string, { status, statusText }: Response, tries: number, hint = "") {
    super(`${url}: ${`${status} ${statusText}`.trim()}${triesText(tries)}${hint}`);
    this.url = url;
    this.status = status;
    this.code = String(status);
    this.tries = tries;
  }
}

export const triesText = (tries: number): string => (tries === 1 ? "" : `, after ${tries} tries`);
