// One question of the page, and what stands for an answer.

export type Asked = {
  /** The numbers of the address, in their order. */
  readonly ids: readonly number[];
  readonly search: URLSearchParams;
  /** Of a POST, parsed. */
  readonly body: unknown;
  /** Nobody waits for the answer any more. */
  readonly signal: AbortSignal;
};

/** What is asked for is not there: 404. */
export class NotFound extends Error {}

/** What is asked for is not done: 400 where the question is wrong, 403 where nobody may ask, 409 where it cannot be done now. */
export class Refused extends Error {
  readonly status: 400 | 403 | 409;
  /** What the person can do. */
  readonly next: string | undefined;

  constructor(status: 400 | 403 | 409, problem: string, next?: string) {
    super(problem);
    this.status = status;
    this.next = next;
  }
}

/** Of a body: undefined where it is not an object, or has no such member. */
export const memberOf = (body: unknown, name: string): unknown =>
  typeof body === "object" && body !== null && Object.hasOwn(body, name)
    ? Reflect.get(body, name)
    : undefined;

/** A whole number of the address, such as an epoch ms. Undefined for what is none. */
export function wholeIn(search: URLSearchParams, name: string): number | undefined {
  const text = search.get(name);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
