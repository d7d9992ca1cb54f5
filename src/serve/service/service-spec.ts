// What a service manager is to keep running: plain data. Each manager has a file that is made of it.

export type ServiceSpec = {
  /** `pipeloom`, or `pipeloom-<name>`. */
  readonly name: string;
  /** The program and its arguments; paths are absolute. */
  readonly command: readonly [program: string, ...args: string[]];
  /** The working folder, absolute. */
  readonly folder: string;
  /** Names and values. */
  readonly environment: Readonly<Record<string, string>>;
  /** The account that it runs under, where that is not the one that installs it. */
  readonly account: string | null;
  /** A service of the machine starts with it, one of a user with the user's session. */
  readonly isOfMachine: boolean;
};

/** The time that a stop takes: a run waits up to 10 s for its tasks, and then ends the programs that they have started. */
export const stopWithinS = 30;
/** The wait before the next start after a failure. */
export const restartAfterS = 5;

/** A path or a value that the manager's file cannot hold. */
export class UnwritableError extends Error {
  override readonly name = "UnwritableError";
}
