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

/** A path that begins like a flag is named from its folder. */
export const pathWord = (path: string): string => (path.startsWith("-") ? `./${path}` : path);

export const dbFlag = (path: string): readonly string[] => ["--db", pathWord(path)];

/** A value that looks like a flag is joined to its own. */
export const flagWords = (flag: string, value: string): readonly string[] =>
  value.startsWith("-") ? [`${flag}=${value}`] : [flag, value];
