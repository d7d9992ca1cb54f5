// Long texts: results, inputs, rows, or results that other tasks read.

import { pipeline, task } from "pipeloom";

const text = (i: number, chars: number): string => String(i).padEnd(chars, "abcdefghij");

const make = task({
  name: "make",
  run({ i, chars }: { i: number; chars: number }) {
    return text(i, chars);
  },
});

const take = task({
  name: "take",
  run({ text: given }: { text: string }) {
    return given.length;
  },
});

const load = task({
  name: "load",
  async run({ i, chars }: { i: number; chars: number }, ctx) {
    await ctx.upsert("texts", [{ id: i, text: text(i, chars) }], { key: "id" });
  },
});

export default pipeline({
  name: "long",
  params: { tasks: 3000, chars: 100_000, what: "results" },
  schema: "CREATE TABLE IF NOT EXISTS texts (id INTEGER PRIMARY KEY, text TEXT)",
  *tasks({ params: { tasks, chars, what } }) {
    for (let i = 0; i < tasks; i++) {
      if (what === "results") yield make({ i, chars });
      else if (what === "inputs") yield take({ text: text(i, chars) });
      else if (what === "rows") yield load({ i, chars });
      else yield take({ text: make({ i, chars }) });
    }
  },
});
