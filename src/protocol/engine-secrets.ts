// The secrets of an engine. They are taken out of the environment before threads and programs get a copy of it: with the key, a
// task could make every worker run any code.

export const keyVariable = "PIPELOOM_ENGINE_KEY";
export const passwordVariable = "PIPELOOM_ENGINE_PASSWORD";

const names = [keyVariable, passwordVariable];

/** Kept, because a program may run several pipelines. */
const taken = new Map<string, string>();

/** To be called before the first thread is started. */
export function takeEngineSecrets(): void {
  for (const name of names) {
    const value = process.env[name];
    if (value !== undefined) taken.set(name, value);
    delete process.env[name];
  }
}

export const engineSecret = (name: string): string | undefined => taken.get(name);

/** For a process of pipeloom's own that needs them too. */
export const engineSecrets = (): Readonly<Record<string, string>> => Object.fromEntries(taken);

/** The environment of a process that runs user code and needs no engine. */
export const withoutEngineSecrets = (
  env: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
