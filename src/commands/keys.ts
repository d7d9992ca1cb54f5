// Keys of a terminal, one by one.

/**
 * In raw mode Ctrl-C and Ctrl-Z arrive as keys (`\\x03`, `\\x1a`), not as signals. Does nothing where stdin is no terminal.
 * @returns gives the terminal back
 */
export function listenToKeys(pressed: (keys: string) => void): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  const listen = (data: Buffer): void => pressed(data.toString());
  stdin.setRawMode(true);
  stdin.on("data", listen);
  stdin.resume();
  return () => {
    stdin.off("data", listen);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
