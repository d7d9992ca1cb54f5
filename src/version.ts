// Which build this is. The build replaces the two names by constants; from source they do not exist.

import { version as packageVersion } from "../package.json";

declare const PIPELOOM_VERSION: string;
declare const PIPELOOM_COMMIT: string;

export const version: string =
  typeof PIPELOOM_VERSION === "string" ? PIPELOOM_VERSION : packageVersion;

/** The short commit, or `dev` from source. */
const commit: string = typeof PIPELOOM_COMMIT === "string" ? PIPELOOM_COMMIT : "dev";

export const versionLine = `pipeloom ${version} (${commit})`;
