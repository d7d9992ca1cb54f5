// The page of `pipeloom serve`: all databases of the pipelines that it serves, and their schedules.

import type { ServedSource } from "../serve/served.ts";
import { loadApp } from "./load-app.ts";
import { ServedDatabases } from "./overview/served-databases.ts";
import { PageServer, type PageServerOptions } from "./page-server.ts";

type Options = Omit<PageServerOptions, "loadApp" | "shown" | "entry"> & {
  readonly served: ServedSource;
  /** Nothing is started, ended, paused or resumed. */
  readonly isReadOnly: boolean;
  /** The words that start pipeloom. Default: those that started this process. */
  readonly own?: readonly string[];
};

type ServePage = AsyncDisposable & {
  readonly port: number;
  /** Opens nothing by itself. */
  readonly address: string;
  /** An address that opens the page, once; with a token of the user, any number of times. */
  newLink(): string;
};

/** @throws Error with a `code` where the port or the host cannot be had */
export function openServePage({ served, isReadOnly, own, ...options }: Options): ServePage {
  const shown = new ServedDatabases({
    served,
    isReadOnly,
    ...(own === undefined ? undefined : { own }),
  });
  const server = new PageServer({ ...options, shown, loadApp });
  return {
    port: server.port,
    address: server.address,
    newLink: () => server.newLink(),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      shown[Symbol.dispose]();
    },
  };
}
