// `pipeloom ui` as a process: see page/ for what it shows.

import { readFileSync } from "node:fs";
import { expect, test } from "bun:test";

import { newRig } from "../support/rig.ts";
import { startUi } from "../page/browser/ui-process.ts";

test.skipIf(process.platform !== "linux")(
  "it keeps the memory that the next answers need",
  async () => {
    await using rig = newRig();
    rig.pipeline(`
      const look = task({ name: "look", run: () => null });
      export default pipeline({ name: "p", tasks: () => [look()] });
    `);
    expect(await rig.pipeloom("run", "pipeline.ts", "--db", "test.db")).toMatchObject({ code: 0 });
    await using ui = await startUi(rig.file("test.db"));
    expect(readFileSync(`/proc/${ui.pid}/environ`, "utf8").split("\0")).toContain(
      "MIMALLOC_PURGE_HOLES=0",
    );
  },
);
