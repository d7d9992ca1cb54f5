// What `ctx.query` asks and gets, as text: values of SQLite are also bytes and bigints, which JSON does not have. Only signed
// texts are unpacked.

import { deserialize, serialize } from "bun:jsc";

import { Buffer } from "../../base/globals.ts";
import type { AskedQuery, QueryAnswer } from "../../protocol/asked-query.ts";

export const packQuery = (value: AskedQuery | QueryAnswer): string =>
  Buffer.from(serialize(value)).toString("base64");

export const unpackQuery = <Value extends AskedQuery | QueryAnswer>(text: string): Value =>
  deserialize(Buffer.from(text, "base64")) as Value;
