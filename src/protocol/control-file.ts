// How another process asks a run to end: it appends a line to a control file. The run makes that file beside the database,
// writable for the user who started the run. The database cannot carry the request: it has one writer, the run itself.

/** `cancel` aborts the running tasks and waits for them; `urgent` ends the threads at once. */
export type ControlRequest = "cancel" | "urgent";

/** @param db real path of the database */
export const controlPath = (db: string, run: number): string => `${db}-run${run}.control`;
