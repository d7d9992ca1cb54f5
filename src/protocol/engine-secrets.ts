// The secrets of an engine. They are taken out of the environment before threads and programs get a copy of it: with the key, a
// task could make every worker run any code.

export const keyVariable = "PIPELOOM_ENGINE_KEY";
export const passwordVariable = "PIPELOOM_ENGINE_PASSWORD";

/** Kept, because a program may run several pipelines. */
const taken = new Map<string, string>();

/** To be called before the first thread is started. */
export function takeEngineSecrets(): void {
  for (const name of [keyVariable, passwordVariable]) {
    const value = process.env[name];
    if (value !== undefined) taken.set(name, value);
    delete process.env[name];
  }
}

export const engineSecret = (name: string): string | undefined => taken.get(name);
