// What the programs of the peers share: what they are given, and what they say at the end.

/** `tasks` tasks, each with `rows` rows; where the server or the database is; whether it must survive a power cut. */
export const given = JSON.parse(process.argv[2]);

/** The numbers from 0, in arrays of 1,000: each peer adds its jobs in bulk. */
export function* batchesOf(count, size = 1000) {
  for (let from = 0; from < count; from += size) {
    yield Array.from({ length: Math.min(size, count - from) }, (_, i) => from + i);
  }
}

/** @throws Error when a task has not run, has run twice, or its rows are not there */
export function finish({ ms, ran, stored }) {
  const { tasks: count, rows } = given;
  if (ran !== count) throw new Error(`${ran} of ${count} tasks have run`);
  if (stored !== count * rows) throw new Error(`${stored} of ${count * rows} rows are stored`);
  console.log(JSON.stringify({ ms }));
}
