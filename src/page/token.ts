// The random text that opens the page.

import { randomBytes } from "node:crypto";

/** Bytes of a token: 256 bits. */
const tokenBytes = 32;
/** Of a token that the user gives: 128 bits in base64url are 22 characters. */
export const minTokenLength = 22;

export const newToken = (): string => randomBytes(tokenBytes).toString("base64url");
