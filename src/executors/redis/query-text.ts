// What `ctx.query` asks and gets, as text: values of SQLite are also bytes and bigints, which JSON does not have. Only signed
// texts are unpacked.

import { deserialize, serialize } from "bun:jsc";

import { Buffer } from "../../base/globals.ts";
import type { AskedQuery, QueryAnswer } from "../../protocol/asked-query.ts";

export const packQuery = (value: AskedQuery | QueryAnswer): string =>
  Buffer.from(serialize(value)).toString("base64");

export const unpackQuery = <Value extends AskedQuery | QueryAnswer>(text: string): Value =>
  deserialize(Buffer.from(text, "base64")) as Value;

/** Redis takes up to 512 MB at once, and the run, Redis and the machine hold it whole. */
const mostAnswerChars = 64 * 1024 * 1024;
const tooLong: QueryAnswer = {
  status: "error",
  failure: {
    name: "Error",
    message:
      "ctx.query: the rows are more than 48 MB, which is too much for another machine; ask for fewer, e.g. with LIMIT, or for sums",
  },
};

export function packAnswer(answer: QueryAnswer): string {
  const packed = packQuery(answer);
  return packed.length > mostAnswerChars ? packQuery(tooLong) : packed;
}
