// The page of `pipeloom serve`. Its server is loaded only where it is wanted.

import type { Flags } from "../cli/flag-defs.ts";
import { tokenVariable } from "../protocol/server-variables.ts";
import { openInBrowser } from "./open-in-browser.ts";
import { atPort, newTokenIn, tokensFor } from "./page-flags.ts";
import type { serveFlags } from "./serve-flags.ts";
import type { Serving } from "./serving.ts";

/** @throws UsageError, UserError where it cannot listen */
export async function openPage(
  serving: Serving,
  { host, port, allowHost, readOnly, open }: Flags<typeof serveFlags>,
): Promise<AsyncDisposable> {
  const tokens = tokensFor(host);
  // A link opens the page, which starts programs. A log has other readers than a terminal: a file, a journal, a collector of logs.
  const isForLinks = tokens.token === undefined && process.stderr.isTTY;
  const { openServePage } = await import("../page/serve-page.ts");
  let isSaid = false;
  const page = atPort(host, port, (at) =>
    openServePage({
      ...tokens,
      served: serving,
      isReadOnly: readOnly,
      host,
      port: at,
      names: allowHost,
      onEnter: () => {
        if (isForLinks && isSaid) {
          serving.say(`for another browser: ${page.newLink()}`, "a browser has opened the page");
        }
      },
    }),
  );
  const where = `the page: ${page.address}`;
  const link = isForLinks || open ? page.newLink() : undefined;
  if (tokens.token !== undefined) serving.say(`${where}?token=$${tokenVariable}`);
  else if (isForLinks) serving.say(`the page: ${link}`, where);
  else serving.say(`${where}, which needs a token where no terminal shows a link: ${howToOpen}`);
  isSaid = true;
  // Not waited for: an opener may run as long as the browser does.
  if (link !== undefined && open) void openInBrowser(link);
  return page;
}

const howToOpen = `${newTokenIn(tokenVariable)}, and start serve again`;
