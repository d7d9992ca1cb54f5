// What is called like a secret: a param that the page does not show, and types into a field that hides it; a header whose value has
// to be in a variable. Pure.

import { JSON } from "./globals.ts";

const secretName =
  /pass(?:word|phrase|wd)|secret|token|api[-_]?key|credential|authorization|cookie/i;

export const isSecretName = (name: string): boolean => secretName.test(name);

/** As the mask of the named secrets writes them. */
const hidden = "***";

/** A copy of a JSON value in which the texts below such a name are hidden. A number of `max_tokens` is none. */
export function hideSecrets(value: unknown, isSecret = false): unknown {
  if (typeof value === "string") return isSecret && value !== "" ? hidden : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => hideSecrets(item, isSecret));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      hideSecrets(member, isSecret || isSecretName(name)),
    ]),
  );
}

/** @param json text of a JSON value; what is none stays as it is */
export function hideSecretsIn(json: string): string {
  if (!isSecretName(json)) return json;
  try {
    return JSON.stringify(hideSecrets(JSON.parse(json)));
  } catch {
    return json;
  }
}
