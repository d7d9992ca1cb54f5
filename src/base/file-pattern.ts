// Patterns of files, such as `data/*.csv`.

/** Whether a path has characters of a pattern (`data/*.csv`). A file may have such a name too: whoever asks looks for it first. */
export const isFilePattern = (path: string): boolean => /[*?[\]{}]/.test(path);

/** The glob of a pattern: on Windows a backslash separates folders, where a glob takes it for an escape. */
export const globOf = (pattern: string, platform: NodeJS.Platform = process.platform): Bun.Glob =>
  new Bun.Glob(platform === "win32" ? pattern.replaceAll("\\", "/") : pattern);
