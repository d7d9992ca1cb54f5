// Keeps the functions of a run out of the highest tier of the JIT (FTL), in the executable. Each of four threads would
// compile some 60 of them there, on the cores that the tasks need, and most of their time is in the runtime and in SQLite:
// 200,000 no-op tasks took a quarter more CPU time, a chain of 10,000 tasks two fifths; a million tasks pay it back, no more.
// Functions of authors are compiled as ever.
//
// The sources are marked as they are bundled: private methods can be named inside their class only, and marks by hand would
// be in each file. Lines keep their numbers.

import { join } from "node:path";

/** The rooms whose code runs for each task, or for each message. */
const rooms =
  /\/src\/(?:base|engine|executors\/threads|plan|protocol|store\/write|terminal|worker)\/[^.]+\.ts$/;

/** Marks functions, and the members of classes that can be seen from outside. */
const marker = `
import { noFTL } from "bun:jsc";

export function keep(...functions: unknown[]): true {
  for (const each of functions) if (typeof each === "function") noFTL(each as () => unknown);
  return true;
}

export function keepClass(made: Function): void {
  keep(made);
  for (const owner of [made, made.prototype]) {
    for (const { value, get, set } of Object.values(Object.getOwnPropertyDescriptors(owner))) {
      keep(value, get, set);
    }
  }
}
`;

const markerAddress = "pipeloom:mid-tier";

/**
 * @param src the folder of the sources
 * @param textOf the text of the module at a path
 */
export function midTier(src: string, textOf: (path: string) => string): Bun.BunPlugin {
  return {
    name: "no highest tier of the JIT for what runs for each task",
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${markerAddress}$`) }, ({ path }) => {
        return { path, namespace: "mid-tier" };
      });
      build.onLoad({ filter: /./, namespace: "mid-tier" }, () => {
        return { contents: marker, loader: "ts" };
      });
      build.onLoad({ filter: rooms }, ({ path }) => {
        if (!path.startsWith(join(src, "/"))) return undefined;
        return { contents: withMarks(textOf(path)), loader: "ts" };
      });
    },
  };
}

/** `bun fmt` has laid the source out: what is declared at the top level begins a line, a member is indented by two. */
const functionLine = /^(?:export )?(?:async )?function\*? (\w+)/gm;
const arrowLine = /^(?:export )?const (\w+)(?:: [^=\n]+)? =\s+(?:async )?(?:<[^>\n]*>)?\(/gm;
const classHead = /^(?:export )?(?:abstract )?class (\w+)[^{]*\{\n/gm;
const privateMethod = /^ {2}(?:async )?\*?(#\w+)(?:<[^(\n]*>)?\(/gm;

export function withMarks(source: string): string {
  const functions = [...source.matchAll(functionLine), ...source.matchAll(arrowLine)];
  const classes = [...source.matchAll(classHead)].map(([, name = ""]) => name);
  if (functions.length + classes.length === 0) return source;
  const names = new Set(functions.map(([, name = ""]) => name));
  const marked = source.replaceAll(classHead, (head, name: string, at: number) => {
    const body = source.slice(at + head.length, source.indexOf("\n}", at));
    const methods = new Set(Array.from(body.matchAll(privateMethod), ([, method]) => method));
    if (methods.size === 0) return head;
    const list = Array.from(methods, (method) => `this.${method}`).join(", ");
    // Once for each class, by its first instance. A `var`, because an instance may be made while the module is evaluated.
    return `${head.trimEnd()} #midTier = (midTierOf${name} ||= keepMidTier(${list}));\n`;
  });
  return [
    marked,
    `import { keep as keepMidTier, keepClass as keepClassMidTier } from "${markerAddress}";`,
    ...classes.map((name) => `var midTierOf${name}: true | undefined; keepClassMidTier(${name});`),
    `keepMidTier(${[...names].join(", ")});`,
    "",
  ].join("\n");
}
