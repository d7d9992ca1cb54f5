// How another process asks a run to end: it appends a line to a file that the run made, which is beside the database and
// writable by whoever started the run. The database itself has one writer, and that is not the one who asks.

/** `urgent`: end the threads now instead of asking the tasks. */
export type ControlRequest = "cancel" | "urgent";

/** @param db real path of the database */
export const controlPath = (db: string, run: number): string => `${db}-run${run}.control`;
