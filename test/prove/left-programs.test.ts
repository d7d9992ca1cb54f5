import { expect, test } from "bun:test";

import { endPrograms } from "../../src/prove/left-programs.ts";

const sleepWith = (variables: Readonly<Record<string, string>>) =>
  Bun.spawn(["sleep", "60"], {
    env: { ...process.env, ...variables },
    stdio: ["ignore", "ignore", "ignore"],
  });

test.skipIf(process.platform !== "linux")(
  "ends the programs that have inherited the variable, and no others",
  async () => {
    const mark = `é ${crypto.randomUUID()}`;
    await using other = sleepWith({ X_PROVED: mark, PROVED_X: mark, PROVED: `${mark} 2` });
    await using ours = sleepWith({ PROVED: mark });
    expect(await endPrograms("PROVED", mark)).toBe(1);
    await ours.exited;
    expect(ours.signalCode).toBe("SIGKILL");
    expect(other.exitCode).toBeNull();
    expect(other.signalCode).toBeNull();
  },
);
