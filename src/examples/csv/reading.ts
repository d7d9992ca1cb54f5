// How the files are to be read, as parameters → options.

import { flagNames } from "../../formats/csv/bad-record.ts";
import { type Encoding, encodings } from "../../formats/csv/encoding.ts";
import type { InspectOptions } from "../../formats/csv/inspect.ts";
import { type Quote, quotes } from "../../formats/csv/records.ts";

/** As the parameters of the pipeline, which describes them. */
export type Reading = {
  separator: string;
  quote: string;
  encoding: string;
  skipBadRows: boolean;
};

/** @throws TypeError for a value that no parameter has */
export const inspectOptions = (
  { separator, quote, encoding, skipBadRows }: Reading,
  numberColumns: readonly string[] | "all",
): InspectOptions => ({
  separator: separator === "auto" ? null : separator,
  encoding: encoding === "auto" ? null : encodingOf(encoding),
  quote: quoteOf(quote),
  skipBadRows,
  numberColumns,
  names: flagNames,
});

function encodingOf(name: string): Encoding {
  const known = encodings.find((encoding) => encoding === name.toLowerCase());
  if (known !== undefined) return known;
  throw new TypeError(`encoding: ${name} is not one of auto, ${encodings.join(", ")}`);
}

function quoteOf(name: string): Quote {
  const known = quotes.find((quote) => quote === name);
  if (known !== undefined) return known;
  throw new TypeError(`quote: ${name} is not one of ${quotes.join(", ")}`);
}
