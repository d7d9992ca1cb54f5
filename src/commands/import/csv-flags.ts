// How CSV is read, as flags. `csv` and `examples csv` have them.

import { defineFlags } from "../../cli/flag-defs.ts";
import { parseTypes } from "../../examples/csv/table-plan.ts";
import { separatorOf } from "../../formats/csv/dialect.ts";

export const csvFlags = defineFlags({
  types: {
    type: "string",
    valueHint: "list",
    defaultHint: "detected",
    description: "id=integer,zip=text; or one type for all columns",
    check: parseTypes,
  },
  separator: {
    type: "string",
    valueHint: "char",
    defaultHint: "detected",
    description: "a character, or tab, comma, semicolon, pipe",
    check: separatorOf,
  },
  quote: {
    type: "enum",
    options: ["double", "none"],
    description: "none treats quotes as ordinary characters",
  },
  encoding: {
    type: "enum",
    options: ["auto", "utf-8", "latin1", "utf-16le", "utf-16be"],
    description: "the character encoding",
  },
  empty: {
    type: "enum",
    options: ["text", "null"],
    description: "the value of an empty field in a text column",
  },
  skipBadRows: {
    type: "boolean",
    description: "skip rows that cannot be parsed, and count them",
  },
});
