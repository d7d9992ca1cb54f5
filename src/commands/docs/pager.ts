// Shows text in a pager, as `man` and `git` do.

import { splitWords } from "../../base/shell-words.ts";

type PagerEnv = Readonly<Record<string, string | undefined>>;

/** Words of the command; undefined: none is wanted. */
export function pagerOf(env: PagerEnv, platform: NodeJS.Platform): readonly string[] | undefined {
  const words = splitWords(env["PAGER"] ?? (platform === "win32" ? "more.com" : "less"));
  return words.length === 0 || words[0] === "cat" ? undefined : words;
}

/** Ctrl-C is for the pager. */
const ignore = (): void => undefined;

/** @returns false when there is no such program: nothing has been shown */
export async function page(
  text: string,
  pager: readonly string[],
  env: PagerEnv,
): Promise<boolean> {
  if (Bun.which(pager[0] ?? "") === null) return false;
  // As git does: quit if it fits one screen, colours as they are, and leave the text there.
  const child = Bun.spawn([...pager], {
    env: { LESS: "FRX", ...env },
    stdio: [new Blob([text]), "inherit", "inherit"],
  });
  process.on("SIGINT", ignore);
  try {
    await child.exited;
  } finally {
    process.off("SIGINT", ignore);
  }
  return true;
}
