/** Whether a path has characters of a pattern (`data/*.csv`). A file may have such a name too: whoever asks looks for it first. */
export const isFilePattern = (path: string): boolean => /[*?[\]{}]/.test(path);
