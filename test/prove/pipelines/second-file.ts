// Appends to a file that no kill restores.

import { appendFileSync } from "node:fs";

import { pipeline, task } from "pipeloom";

const work = task({
  name: "work",
  async run({ i }: { i: number }) {
    appendFileSync("out.csv", `${i},${i * i}\n`);
    await Bun.sleep(10);
    return i;
  },
});

export default pipeline({
  name: "second-file",
  tasks: () => Array.from({ length: 40 }, (_, i) => work({ i })),
});
