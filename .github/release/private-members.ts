// Private members are ordinary ones in the executable: `this.#items` is `this.$a`. Bytecode of a private name is a symbol that is
// made with the class, is looked up in its scope, and is checked: 0.2 MB for the modules of a run. The language has checked already
// that nobody else uses them.
//
// Not in the rooms that give objects to authors, which would print them; nor in a class that extends another, whose names may be
// those of its base.

/** Their objects stay inside. */
const rooms =
  /\/src\/(?:cli|commands|engine|executors|module|plan|protocol|serve|store|terminal|watchdog)\/[^.]+\.ts$/;

export const isInside = (path: string): boolean => rooms.test(path);

/** `bun fmt` has laid the source out: a class at the top level ends with a `}` in the first column, a member is indented by two. */
const base =
  /^(?:export )?(?:abstract )?class \w+(?![^{]*>\s+extends\b)(?:<[^{]*>)?(?: implements [^{]*)? \{\n[^]*?\n\}/gm;
const member = /^ {2}(?:[a-z]+ )*\*?#(\w+)/gm;

/** In comments, names are in back quotes. */
const left = /(?<!`)#(\w+)/g;

/**
 * Lines keep their numbers.
 * @throws Error for a use that is not `value.#name`: `#name in value` asks for the class, a class in the class may mean its own
 */
export const withoutPrivate = (source: string): string => source.replaceAll(base, opened);

function opened(text: string): string {
  const declared = new Set(Array.from(text.matchAll(member), ([, name = ""]) => name));
  const names = new Map([...declared].map((name, at) => [name, `$${at.toString(36)}`]));
  const open = text.replaceAll(/(?<=\.|^ {2}(?:[a-z]+ )*\*?)#(\w+)/gm, (whole, name: string) => {
    return names.get(name) ?? whole;
  });
  for (const [whole, name = ""] of open.matchAll(left)) {
    if (names.has(name)) throw new Error(`${whole} is used in a way that the build does not know`);
  }
  return open;
}
