// Names of options. Pipeline files run without a type check, and the compiler lets names pass that come from a spread: an
// option with a typing error would be ignored.

import { didYouMean, nearest } from "../base/suggest.ts";

/** All names of a type's options: the compiler refuses a list that lacks one. */
export const namesOf = <Options>(names: {
  readonly [Name in keyof Required<Options>]: true;
}): readonly string[] => Object.keys(names);

/**
 * Names without a value are let pass.
 * @param what names the call in the error, e.g. `task "load"`
 * @throws TypeError for a name that is no option
 */
export function assertKnown(options: object, names: readonly string[], what: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (names.includes(name) || value === undefined) continue;
    const hint = didYouMean(nearest(name, names)) ?? `the options are ${names.join(", ")}.`;
    throw new TypeError(
      `${what}: there is no option "${name}": ${hint} An unknown name is an error, because it would have no effect`,
    );
  }
}
