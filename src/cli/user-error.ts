/**
 * An expected failure that a person can mend: exit code 1, printed as `error: message` and the hint, without a
 * stack. The message names what and where; the hint is the next step. Anything else that is thrown is a bug.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly hint: string | undefined;
  constructor(message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}
