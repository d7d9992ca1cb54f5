// The words of `pipeloom serve` for a service, which starts in no terminal and no folder of a person: paths are absolute.

import { pathOf } from "../../base/path.ts";
import { type FlagDefs, kebab } from "../../cli/flag-defs.ts";
import { flagWords } from "../../protocol/pipeloom-command.ts";

const pathHints = new Set(["file", "folder", "db"]);

/** @param values of `defs`, checked */
export function serveWords(
  defs: FlagDefs,
  values: Readonly<Record<string, unknown>>,
  folder: string,
): string[] {
  return Object.entries(defs).flatMap(([key, def]) => {
    const flag = `--${kebab(key)}`;
    if (def.type === "positional") return [];
    if (def.type === "boolean") return switchWords(flag, values[key], def.default === true);
    const texts = [values[key] ?? []].flat().map(String);
    const isPath = def.valueHint !== undefined && pathHints.has(def.valueHint);
    const given = String(values[key]) === def.default ? [] : texts;
    return given.flatMap((text) => flagWords(flag, isPath ? pathOf(text, folder) : text));
  });
}

function switchWords(flag: string, value: unknown, isOnByDefault: boolean): string[] {
  // A count: -vv.
  if (typeof value === "number") return Array.from({ length: value }, () => flag);
  if (value === undefined || value === isOnByDefault) return [];
  return [value === true ? flag : flag.replace("--", "--no-")];
}
