// Loads the kit. From source it is built on demand. The build replaces this module with one that reads the embedded kit
// (see .github/release/kit/embedded-kit.ts).

import type { Kit } from "./kit.ts";

export async function loadKit(): Promise<Kit> {
  const { makeKit } = await import("../../.github/release/kit/make-kit.ts");
  return makeKit();
}
