// Opens an address in the user's browser, as far as the system knows one.

import { Promise } from "../base/globals.ts";
import { sayOnStderr } from "../cli/stderr.ts";

const opener: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ["open"],
  linux: ["xdg-open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** An opener that has not ended by then is the browser itself, or waits for it. */
const openedAfterMs = 3000;

/** Says so where there is no browser. Resolves when the page is open, as far as it can be known. */
export async function openInBrowser(address: string): Promise<void> {
  const command = opener[process.platform];
  const [program = ""] = command ?? [];
  if (command === undefined || Bun.which(program) === null) return sayOnStderr(missing);
  const child = Bun.spawn([...command, address], {
    // A Ctrl-C for pipeloom would end the browser too.
    detached: true,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  child.unref();
  const code = await Promise.race([child.exited, Bun.sleep(openedAfterMs)]);
  if (typeof code === "number" && code !== 0) sayOnStderr(missing);
}

const missing = "no browser could be opened: copy the address\n";
