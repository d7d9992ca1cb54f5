// Gets the kit. From source it is made on the spot; the build puts another module in the place of this one, which reads
// the kit that was embedded (see embed.ts).

import type { Kit } from "./kit.ts";

export async function loadKit(): Promise<Kit> {
  const { makeKit } = await import("./make.ts");
  return makeKit();
}
