// Loads what runs in the browser. From source it is bundled on demand. The build replaces this module with one that reads the
// embedded bundle (see .github/release/page/embedded-app.ts).

import type { AppFiles } from "./app-files.ts";

export async function loadApp(): Promise<AppFiles> {
  const { bundleApp } = await import("../../.github/release/page/bundle-app.ts");
  return bundleApp();
}
