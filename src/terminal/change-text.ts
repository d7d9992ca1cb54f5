// What has changed of the things that a result depends on, as text. Pure.

import { firstFew } from "../base/first-few.ts";
import { visible } from "../base/text.ts";
import type { PartsChange } from "../protocol/reuse.ts";

/** `its code has changed since run 12`, `data.csv has changed since run 12, and its code` */
export function changeText({ run, what }: PartsChange): string {
  const [first, ...others] = what.map(partText);
  if (first === undefined) return `nothing has changed since run ${run}`;
  const more = others.length === 0 ? "" : `, and ${others.join(", ")}`;
  return `${first} changed since run ${run}${more}`;
}

/** `its files (data.csv), its variables (REGION)` */
export const partsText = (what: PartsChange["what"]): string => what.map(partText).join(", ");

function partText({ part, names }: PartsChange["what"][number]): string {
  const list = firstFew(names.map(visible));
  switch (part) {
    case "code":
      return "its code";
    case "version":
      return "its version";
    case "packages":
      return `its packages (${list})`;
    case "input":
      return list === "" ? "its input" : `its input (${list})`;
    case "files":
      return `its files (${list})`;
    case "env":
      return `its variables (${list})`;
    case "params":
      return names.length === 0 ? "the params" : `its params (${list})`;
    default:
      return visible(part);
  }
}
