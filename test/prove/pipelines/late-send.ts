// Starts something that it does not await.

import { pipeline, task } from "pipeloom";

const work = task({
  name: "work",
  async run({ i }: { i: number }, ctx) {
    await ctx.insert("written", [{ i, what: "in time" }]);
    setTimeout(() => {
      ctx.insert("written", [{ i, what: "late" }]).catch(() => undefined);
    }, 5);
  },
});
/** The others' sends come while it runs. */
const last = task({ name: "last", run: () => Bun.sleep(100).then(() => null) });

export default pipeline({
  name: "late-send",
  schema: "CREATE TABLE IF NOT EXISTS written (i INTEGER, what TEXT)",
  tasks: () => [last(undefined, { after: [work({ i: 1 }), work({ i: 2 })] })],
});
