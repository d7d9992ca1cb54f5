// Flags of `pipeloom serve`. `service install` takes them too.

import { URL } from "../base/globals.ts";
import { defineFlags, type Flags } from "../cli/flag-defs.ts";
import { UsageError } from "../cli/usage-error.ts";
import { webhookVariable } from "../protocol/server-variables.ts";
import { outputFlags, verbosityFlags } from "./common-flags.ts";
import { pageFlags } from "./page-flags.ts";

const { logFile } = outputFlags;

export const serveFlags = defineFlags({
  webhook: {
    type: "string",
    valueHint: "url",
    defaultHint: `$${webhookVariable}`,
    description:
      "post failures, late slots, pauses and recoveries there as JSON; in the variable, other users of the machine do not see the address",
    check: checkUrl,
  },
  maxRuns: {
    type: "string",
    valueType: "integer",
    min: 1,
    max: 10_000,
    default: "32",
    description: "runs at once; others wait",
  },
  page: {
    type: "boolean",
    default: true,
    description: "show runs and schedules in the browser",
    negativeDescription: "open no page, and no port",
  },
  ...pageFlags,
  logFile,
  ...verbosityFlags,
});

type PageFlags = Omit<Flags<typeof serveFlags>, "open"> & { readonly open?: boolean };

/** @throws UsageError for a flag that would have no effect */
export function assertPageFlags({ page, port, host, allowHost, readOnly, open }: PageFlags): void {
  if (page) return;
  const [first] = [
    port === undefined ? [] : ["--port"],
    host === pageFlags.host.default ? [] : ["--host"],
    allowHost.length === 0 ? [] : ["--allow-host"],
    readOnly ? ["--read-only"] : [],
    open === true ? ["--open"] : [],
  ].flat();
  if (first === undefined) return;
  throw new UsageError(`${first} is for the page, and --no-page opens none: leave one of them out`);
}

/** @throws Error for what is no address */
export function checkUrl(text: string): void {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error("it must be an http or https address");
  }
}
