// Leaves a program that pipeloom does not know: in a session of its own, and without the mark of its run.

import { pipeline, sh } from "pipeloom";

const work = sh<{ i: number }>({
  name: "work",
  shell: true,
  command: ({ i }) =>
    `(env -u PIPELOOM_PROCESS setsid sleep 60 > /dev/null 2>&1 &); sleep 0.1; echo ${i}`,
});

export default pipeline({
  name: "stubborn",
  tasks: () => [1, 2].map((i) => work({ i })),
});
