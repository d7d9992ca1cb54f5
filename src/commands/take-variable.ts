// What one pipeloom tells another by its environment.

/** Removes it: it is for this process, and not for those that tasks start. */
export function takeVariable(name: string): string | undefined {
  const value = process.env[name];
  delete process.env[name];
  return value;
}
