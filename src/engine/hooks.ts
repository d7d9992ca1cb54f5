// Calls what the pipeline's author hooked in. Bounded in time; a failure is logged and changes nothing.

import { toFailure } from "../protocol/failure.ts";
import type { LogLevel } from "../protocol/status.ts";

const maxHookMs = 10_000;

export async function callHook(
  name: string,
  hook: () => unknown,
  log: (level: LogLevel, line: string) => void,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`not finished after ${maxHookMs / 1000} s`)),
        maxHookMs,
      );
    });
    await Promise.race([Promise.resolve(hook()), late]);
  } catch (thrown) {
    log("warn", `${name} failed: ${toFailure(thrown).message}`);
  } finally {
    clearTimeout(timer);
  }
}
