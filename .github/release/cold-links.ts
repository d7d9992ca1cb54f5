// What cold modules import of others. The bundler sees it as a few files, which import it:
//
//     import{a as v0,b as v1}from"/…/src/base/a.ts";import v2 from"/…/guide.md"with{type:"text"};export const links=[v0,v1,v2];

import { join } from "node:path";

/** As written after `from`, with an absolute path in place of a relative one. */
export type Address = { readonly path: string; readonly attributes: string };

/** `[3, 0, 7]`: of the file `cold-links-3.js` the values 0 and 7. */
type Linked = readonly [file: number, ...values: readonly number[]];

type File = { readonly imports: Map<string, Map<string, number>>; values: number };

export class Links {
  readonly #folder: string;
  readonly #groupOf: (path: string) => string;
  readonly #files = new Map<string, File>();

  /**
   * @param folder where the bundler finds the files
   * @param groupOf modules of one group are loaded together
   */
  constructor(folder: string, groupOf: (path: string) => string) {
    this.#folder = folder;
    this.#groupOf = groupOf;
  }

  add({ path, attributes }: Address, names: readonly string[]): Linked {
    const group = this.#groupOf(path);
    const file = this.#files.get(group) ?? { imports: new Map(), values: 0 };
    this.#files.set(group, file);
    const from = `from${JSON.stringify(path)}${attributes}`;
    const known = file.imports.get(from) ?? new Map<string, number>();
    file.imports.set(from, known);
    for (const name of names) if (!known.has(name)) known.set(name, file.values++);
    return [
      [...this.#files.keys()].indexOf(group),
      ...names.map((name) => known.get(name) as number),
    ];
  }

  /** By path. */
  files(): Record<string, string> {
    const texts = Array.from(this.#files.values(), textOf);
    return Object.fromEntries(texts.map((text, at) => [this.#path(at), text]));
  }

  paths(): string[] {
    return [...this.#files.values()].map((_, at) => this.#path(at));
  }

  readonly #path = (at: number): string => join(this.#folder, `cold-links-${at}.js`);
}

function textOf({ imports, values }: File): string {
  const statements = Array.from(imports, ([from, names]) => {
    const list = Array.from(names, ([name, at]) => `${name} as v${at}`).join(",");
    return list === "" ? `import${from.slice("from".length)};` : `import{${list}}${from};`;
  });
  const list = Array.from({ length: values }, (_, at) => `v${at}`).join(",");
  return `${statements.join("\n")}\nexport const links=[${list}];\n`;
}
