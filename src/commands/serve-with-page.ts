// The page of `pipeloom serve`. Its server is loaded only where it is wanted.

import type { Flags } from "../cli/flag-defs.ts";
import { openInBrowser } from "./open-in-browser.ts";
import { atPort, tokensFor } from "./page-flags.ts";
import type { serveFlags } from "./serve-flags.ts";
import type { Serving } from "./serving.ts";

/** @throws UsageError, UserError where it cannot listen */
export async function openPage(
  serving: Serving,
  { host, port, allowHost, readOnly, open }: Flags<typeof serveFlags>,
): Promise<AsyncDisposable> {
  const tokens = tokensFor(host);
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
        if (tokens.token === undefined && isSaid) {
          serving.say(`for another browser: ${page.newLink()}`);
        }
      },
    }),
  );
  const link = page.newLink();
  // Others may read the log, and a token that was chosen opens the page for as long as it is not changed.
  const isChosen = tokens.token !== undefined;
  serving.say(`the page: ${isChosen ? `${page.address}?token=$PIPELOOM_UI_TOKEN` : link}`);
  isSaid = true;
  // Not waited for: an opener may run as long as the browser does.
  if (open) void openInBrowser(link);
  return page;
}
