// What is said of a database that cannot be used, where no command line names it. Pure.

/** `serve` and `schedule` have no `--db`: the pipeline names its database. */
export const asNamedInFile = (reason: string): string =>
  reason.replaceAll(" with --db", " with `db` in the pipeline");
