// The key that identifies a task in a later run.

/** A task's name and a 64-bit hash (wyhash) of its input's JSON text. */
export function taskKey(name: string, inputText: string): string {
  if (name !== last.name) last = { name, prefix: keyPrefix(name), inputText: "", key: "" };
  if (inputText.length > longestKept) return last.prefix + hashOf(inputText);
  if (last.key === "" || inputText !== last.inputText) {
    last.inputText = inputText;
    last.key = last.prefix + hashOf(inputText);
  }
  return last.key;
}

const hashOf = (text: string): string => Bun.hash(text).toString(36);

/** Characters. A longer input is not cached: the input of a fan-in may have megabytes. */
const longestKept = 1024;
/** Cache of the last key: equal calls often follow each other. */
let last = { name: "", prefix: ":", inputText: "", key: "" };

/** The name of a definition as it is in keys: without the separators of packed texts (codec/packed-text.ts). */
export const nameInKey = (name: string): string =>
  name.replaceAll("\0", "?").replaceAll("\u001f", "?");

const keyPrefix = (name: string): string => `${nameInKey(name)}:`;

/** The name of the definition (`nameInKey`). */
export const nameOfKey = (key: string): string => key.slice(0, key.lastIndexOf(":"));
