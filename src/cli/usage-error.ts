/** The command line itself is wrong: exit code 2. The caller adds which command's `--help` to read. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** What to type instead, when that is known: `did you mean --workers?` */
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
