// Commands of pipeloom as messages name them: a person copies them into a shell. Pure.

import { shellWord } from "../base/shell-words.ts";

/** A backslash is a part of a path there, for its shells too. */
const isPlainOnWindows = (word: string): boolean =>
  process.platform === "win32" && /^[\w@%+:,./\\-]+$/.test(word);

/** In quotes where the shell needs any. */
export const commandWord = (word: string): string =>
  isPlainOnWindows(word) ? word : shellWord(word);

/** `pipeloom status --db 'my data.db'` */
export const pipeloomCommand = (...words: readonly (string | number)[]): string =>
  ["pipeloom", ...words].map((word) => commandWord(String(word))).join(" ");
