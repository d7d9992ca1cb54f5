// Leaves a program that no signal of its group reaches.

import { pipeline, sh } from "pipeloom";

const work = sh<{ i: number }>({
  name: "work",
  shell: true,
  command: ({ i }) => `(setsid sleep 60 > /dev/null 2>&1 &); sleep 0.1; echo ${i}`,
});

export default pipeline({
  name: "stubborn",
  tasks: () => [1, 2].map((i) => work({ i })),
});
