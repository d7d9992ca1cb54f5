// Who reads a task's result, and so how it gets to main.

/**
 * Who reads a task's result. `no`: nobody. `perhaps`: nobody yet, but more of the plan may come: a long result stays in
 * the file until someone reads it. `yes`: it comes back with the `task-finished` event.
 */
export type WantsResult = "no" | "perhaps" | "yes";

/** Characters of JSON text. A longer result is long: it is not sent to main before someone reads it. */
export const maxSentResult = 1024;

/** In place of a result that stays in the file: JSON text is never empty. */
export const staysInFile = "";
