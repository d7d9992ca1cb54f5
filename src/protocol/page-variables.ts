// How the page and serve ask their children for more than a command line says. Variables of the environment, because they are not for people:
// the command that is shown does the same when it is typed.

/** Of `pipeloom run`: `page` or `backfill`, as the run's trigger. */
export const triggerVariable = "PIPELOOM_TRIGGER";

/** Of `pipeloom run <file>`: print the form of the pipeline with this name as a line of JSON, and run nothing. */
export const formVariable = "PIPELOOM_FORM";

/** Of `pipeloom schedule next <file>`: print what serve has to know of the file as a line of JSON. `named` or `found`: see describe-file.ts. */
export const describeVariable = "PIPELOOM_DESCRIBE";

/** Of `pipeloom ui`: it ends when its standard input does, so with the process that started it, however that ends. */
export const endsWithInputVariable = "PIPELOOM_UI_ENDS_WITH_INPUT";

/** Of `pipeloom query`: it ends after so many ms, or when it takes too much memory. */
export const queryEndsAfterVariable = "PIPELOOM_QUERY_ENDS_AFTER";
