// One question of the page, and what stands for an answer.

export type Asked = {
  /** The numbers of the address, in their order. */
  readonly ids: readonly number[];
  readonly search: URLSearchParams;
  /** Of a POST, parsed. */
  readonly body: unknown;
};

/** What is asked for is not there: 404. */
export class NotFound extends Error {}
