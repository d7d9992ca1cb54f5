/** The pipeline file cannot be used. `message` is for a person: it names file, line and what to do. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}
