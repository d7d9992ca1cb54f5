/** The words that start this program again: the executable, or the runtime with the source. */
export const ownCommand = (): string[] =>
  /^(?:\/\$bunfs\/|B:[\\/]~BUN)/.test(Bun.main) ? [process.execPath] : [process.execPath, Bun.main];
