// Opens an address in the user's browser, as far as the system knows one.

import { sayOnStderr } from "../cli/stderr.ts";

const opener: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ["open"],
  linux: ["xdg-open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Says so where there is no browser. */
export async function openInBrowser(address: string): Promise<void> {
  const command = opener[process.platform];
  const [program = ""] = command ?? [];
  if (command === undefined || Bun.which(program) === null) return sayOnStderr(missing);
  const child = Bun.spawn([...command, address], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  if ((await child.exited) !== 0) sayOnStderr(missing);
}

const missing = "no browser could be opened: copy the address\n";
