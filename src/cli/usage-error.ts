/** The command line is wrong: exit code 2. The printed error also names the `--help` to read. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** What to type instead, if known: `did you mean --workers?` */
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
