// What a task is recognised by in a later run.

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

/** The last input is kept, and a fan-in's may be megabytes. */
const longestKept = 1024;
/** Equal calls often come in a row: a stream of tasks that differ in nothing. */
let last = { name: "", prefix: ":", inputText: "", key: "" };

/** Without the separators of packed texts (codec/packed-text.ts). */
const keyPrefix = (name: string): string =>
  `${name.replaceAll("\0", "?").replaceAll("\u001f", "?")}:`;
