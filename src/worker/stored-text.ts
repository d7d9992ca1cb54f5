import { jsonText } from "../base/json.ts";
import type { Mask } from "../protocol/mask.ts";

/**
 * The JSON text of a result, a cursor, or a key or value of `ctx.state`. They are stored and shown as they are.
 * @param root name of the value in paths, e.g. `result`
 * @param what name of the value in messages, e.g. `the task's output`
 * @param plural name of such values in messages, e.g. `outputs`
 * @throws TypeError for a value that is not JSON, and for one that contains a secret
 */
export function storedText(
  value: unknown,
  root: string,
  what: string,
  plural: string,
  mask: Mask | undefined,
): string {
  const text = jsonText(value, root, what, plural);
  const place = mask?.placeIn(text, root);
  if (place === undefined) return text;
  throw new TypeError(
    `${what}: ${place.path} holds the value of the secret ${place.name}; ${plural} are stored and shown, so leave it out, and read it from ctx.env where it is needed`,
  );
}
