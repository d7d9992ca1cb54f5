// Frames as entries of a Redis stream: the link, the signed body as JSON, and the texts of records and assignments as they are. A
// row batch in JSON within JSON would be escaped and copied twice. Pure.

import { JSON } from "../../base/globals.ts";
import type { EngineKey } from "./engine-key.ts";
import type { Frame } from "./link.ts";

/** Which way a frame goes; signed, so that none can be sent back to its sender. */
type Direction = "to run" | "to machine";

/** Both ends of a link. `life`: a machine that a run has given up comes back as another one. */
export type LinkName = {
  readonly session: string;
  readonly machine: string;
  readonly life: number;
};

export const linkText = ({ session, machine, life }: LinkName): string =>
  `${session}/${machine}/${life}`;

function linkOf(text: string): LinkName {
  const [session = "", machine = "", life = ""] = text.split("/");
  return { session, machine, life: Number(life) };
}

type Packed = { readonly type: string; readonly text?: string };

/** Messages with a `text`. */
const textTypes: ReadonlySet<string> = new Set(["records", "more"]);
/** Before the texts: three names and values, and the name of the first text. */
const firstText = 7;

/**
 * Names and values of a stream entry.
 * @param at the sender's clock, epoch ms
 */
export function packFrame(
  direction: Direction,
  name: LinkName,
  frame: Frame<Packed>,
  key: EngineKey,
  at: number,
): readonly string[] {
  const texts: string[] = [];
  const messages = frame.messages.map((message) => {
    if (!textTypes.has(message.type)) return message;
    texts.push(message.text ?? "");
    return { ...message, text: "" };
  });
  const link = linkText(name);
  const body = JSON.stringify({ ...frame, at, messages });
  const signature = key.sign([direction, link, body, ...texts]);
  return ["l", link, "b", body, "s", signature, ...texts.flatMap((text) => ["t", text])];
}

export type ReceivedFrame<Message> = {
  readonly link: string;
  readonly name: LinkName;
  readonly frame: Frame<Message>;
  /** The sender's clock when it sent, epoch ms. */
  readonly at: number;
};

/** Undefined for an entry that was not signed with this key for this direction. */
export function unpackFrame<Message extends { readonly type: string }>(
  direction: Direction,
  fields: readonly string[],
  key: EngineKey,
): ReceivedFrame<Message> | undefined {
  const [, link = "", , body = "", , signature = ""] = fields;
  const texts = fields.slice(firstText).filter((_, index) => index % 2 === 0);
  if (!key.verifies([direction, link, body, ...texts], signature)) return undefined;
  const { at, ...frame } = JSON.parse(body) as Frame<Message> & { readonly at: number };
  const name = linkOf(link);
  if (texts.length === 0) return { link, name, frame, at };
  let next = 0;
  const messages = frame.messages.map((message) =>
    textTypes.has(message.type) ? { ...message, text: texts[next++] ?? "" } : message,
  );
  return { link, name, frame: { ...frame, messages }, at };
}
