type UserErrorOptions = ErrorOptions & {
  /** Default 1. Another one is for the program that has started this one. */
  readonly exitCode?: number;
};

/**
 * An expected failure that a person can fix: exit code 1, printed as `error: message` and the hint, without a stack. The
 * message names what and where, the hint the next step. Any other thrown error is a bug.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly hint: string | undefined;
  readonly exitCode: number;
  constructor(message: string, hint?: string, options: UserErrorOptions = {}) {
    super(message, options);
    this.hint = hint;
    this.exitCode = options.exitCode ?? 1;
  }
}
