// Ends its own process from the third run on, as a lack of memory does.

import { appendFileSync, readFileSync } from "node:fs";

import { pipeline, task } from "pipeloom";

const work = task({
  name: "work",
  run() {
    appendFileSync("runs", "run\n");
    if (readFileSync("runs", "utf8").split("\n").length > 3) process.kill(process.pid, "SIGKILL");
  },
});

export default pipeline({ name: "self-killed", tasks: () => [work()] });
