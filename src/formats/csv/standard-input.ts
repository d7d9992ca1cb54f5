// Standard input as a CSV source. It is read several times, so it is a file without a name: nothing is left of it, however the
// process dies. Every thread finds its descriptor in a variable of the process.

/** The path of this source, in parameters and messages. */
export const standardInput = "standard input";

const variable = "PIPELOOM_STDIN";

/** Before the threads that read it start. */
export function provideStandardInput(descriptor: number): void {
  process.env[variable] = String(descriptor);
}

/** Undefined: the path is that of a file. */
export function descriptorOf(path: string): number | undefined {
  const descriptor = path === standardInput ? process.env[variable] : undefined;
  return descriptor === undefined ? undefined : Number(descriptor);
}
