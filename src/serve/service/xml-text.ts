// XML of the files of launchd and Task Scheduler. Pure.

import { JSON } from "../../base/globals.ts";
import { UnwritableError } from "./service-spec.ts";

// eslint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

/**
 * The text of an element. A line feed stays one, and a carriage return, which a parser would make a line feed, is named.
 * @throws UnwritableError for characters that XML cannot have
 */
function xmlText(text: string): string {
  if (forbidden.test(text)) {
    throw new UnwritableError(
      `a control character cannot be in this file, which is XML: ${JSON.stringify(text)}`,
    );
  }
  return text.replaceAll(/[&<>"'\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

export const element = (name: string, text: string): string =>
  `<${name}>${xmlText(text)}</${name}>`;
