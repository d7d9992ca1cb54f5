// The only place that starts threads. It stays beside cli.ts: in a compiled executable a Worker's file is found
// relative to the entry (the bundle is flattened), so `new URL` here must read the same from source and compiled.

/** A small heap grows as it must: 30 MB less at a million tasks, and nothing slower that was measured. */
const options = { smol: true };

export const spawnTaskWorker = (): Worker =>
  new Worker(new URL("./worker/main.ts", import.meta.url).href, options);

export const spawnWriter = (): Worker =>
  new Worker(new URL("./writer/main.ts", import.meta.url).href, options);
