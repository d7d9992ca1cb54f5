// What the fingerprint of a piece of code consists of: its tokens, with a number in place of each name that the code
// itself, or the bundle, chose. So a name that another file has taken changes nothing.

import { isBuiltin } from "node:module";

import { JSON } from "../../base/globals.ts";
import { sha256 } from "../../base/sha256.ts";
import type { Declaration, FlatModule, Range, Statement } from "./declarations.ts";
import { functionAt } from "./functions.ts";
import type { TaskCall } from "./task-calls.ts";

type Shape = {
  readonly hash: string;
  /** The declarations that the code names, in that order. */
  readonly refs: readonly Declaration[];
  /** It imports, requires or evaluates what only the run knows. */
  readonly isOpen: boolean;
  /** The params that it names. `all`: it may read any. */
  readonly params: ReadParams;
  /** The packages that it names, with their versions. */
  readonly packages: readonly string[];
};

type ReadParams = readonly string[] | "all";

/** The bundle gives locals such names. No declaration of the top level has the same. */
const isShortened = (name: string): boolean => name.length <= 2 || name.startsWith("#");

export type Digest = Pick<Shape, "hash" | "isOpen" | "params" | "packages"> & {
  readonly reached: readonly Declaration[];
};

export const bothRead = (one: ReadParams, other: ReadParams): ReadParams =>
  one === "all" || other === "all" ? "all" : [...new Set([...one, ...other])].toSorted();

type ShapeContext = {
  readonly module: FlatModule;
  /** Variables whose value is a task, and its name: to name a task is not to reach its code. */
  readonly taskOf: ReadonlyMap<Statement, string>;
  /** How many statements before it do something: `const x = y` depends on what has happened to `y`. */
  readonly effectsBefore: ReadonlyMap<Statement, number>;
  /** The versions of a package and of those that it needs. */
  readonly versions: (specifier: string) => string;
};

/** The code that runs when the declaration is reached. */
function evaluatedIn(declaration: Declaration): Range[] {
  const [from, to] = declaration.range;
  if (declaration.kind === "variable") return [[declaration.init, to]];
  return declaration.kind === "class" ? [[from + 2, to]] : [];
}

export class Shapes {
  readonly #context: ShapeContext;
  readonly #known = new Map<Declaration, Shape>();

  constructor(context: ShapeContext) {
    this.#context = context;
  }

  of(declaration: Declaration): Shape {
    const known = this.#known.get(declaration);
    if (known !== undefined) return known;
    const { range, attached } = declaration;
    const shape =
      declaration.kind === "import"
        ? this.#ofImport(declaration.module, declaration.imported)
        : this.#ofCode([range, ...attached], this.#position(declaration, evaluatedIn(declaration)));
    this.#known.set(declaration, shape);
    return shape;
  }

  ofStatement(statement: Statement): Shape {
    if (statement.kind === "effect") return this.#ofCode([statement.range], 0);
    return statement.kind === "bare import"
      ? this.#ofImport(statement.module, "")
      : this.of(statement);
  }

  ofTask({ callee, options, statement }: TaskCall): Shape {
    return this.#ofCode([callee, ...options], this.#position(statement, options));
  }

  #ofCode(ranges: readonly Range[], position: number): Shape {
    const writer = new ShapeWriter(this.#context, position);
    for (const range of ranges) writer.write(range);
    return writer.shape();
  }

  /** SHA-256 of these pieces of code and all that they reach. */
  digest(roots: readonly Shape[]): Digest {
    const numbers = new Map<Declaration, number>();
    const hash = new Bun.CryptoHasher("sha256");
    const queue = [...roots];
    let isOpen = false;
    let params: ReadParams = [];
    const packages = new Set<string>();
    for (const shape of queue) {
      isOpen ||= shape.isOpen;
      params = bothRead(params, shape.params);
      for (const each of shape.packages) packages.add(each);
      const refs = shape.refs.map((ref) => {
        const number = numbers.get(ref) ?? numbers.size;
        if (number === numbers.size) {
          numbers.set(ref, number);
          queue.push(this.of(ref));
        }
        return number;
      });
      hash.update(`${shape.hash}:${refs.join(",")};`);
    }
    return {
      hash: hash.digest("hex"),
      isOpen,
      params,
      packages: [...packages].toSorted(),
      reached: [...numbers.keys()],
    };
  }

  /** 0 for code that has the same value at any time: outside of functions, it names nothing. */
  #position(statement: Statement, ranges: readonly Range[]): number {
    const { tokens } = this.#context.module;
    for (const [from, to] of ranges) {
      for (let index = from; index < to; index++) {
        const inner = functionAt(tokens, index);
        if (inner !== undefined) index = inner.end - 1;
        else if (tokens[index]?.kind === "name") {
          return this.#context.effectsBefore.get(statement) ?? 0;
        }
      }
    }
    return 0;
  }

  /** @param imported a name, `*` for all of them, or nothing where the module only runs */
  #ofImport(module: string, imported: string): Shape {
    const versions = this.#context.versions(module);
    const text = JSON.stringify([module, imported, versions]);
    const isOpen = imported === "createRequire" && isOfRuntime(module);
    const own = { hash: sha256(text), refs: [], isOpen };
    if (module === "pipeloom" || isOfRuntime(module)) return { ...own, params: [], packages: [] };
    // The code of a package is not read: it may be given the context of a task.
    return { ...own, params: "all", packages: versions.split(" ") };
  }
}

class ShapeWriter {
  readonly #context: ShapeContext;
  readonly #words: string[];
  readonly #refs = new Map<Declaration, number>();
  readonly #locals = new Map<string, number>();
  readonly #packages = new Set<string>();
  #isOpen = false;
  #params: ReadParams = [];

  constructor(context: ShapeContext, position: number) {
    this.#context = context;
    this.#words = [`${position}`];
  }

  write([from, to]: Range): void {
    for (let index = from; index < to; index++) this.#writeToken(index);
    this.#words.push("");
  }

  shape(): Shape {
    const hash = sha256(this.#words.join("\0"));
    return {
      hash,
      refs: [...this.#refs.keys()],
      isOpen: this.#isOpen,
      params: this.#isOpen ? "all" : this.#params,
      packages: [...this.#packages],
    };
  }

  #writeToken(index: number): void {
    const { kind, text } = this.#context.module.tokens[index] ?? { kind: "name", text: "" };
    if (text === "import" && kind === "reserved") this.#noteImport(index);
    if (text === "params" || (kind === "literal" && text.slice(1, -1) === "params")) {
      this.#params = bothRead(this.#params, this.#paramsAt(index));
    }
    if (text.startsWith("#")) this.#words.push(this.#local(text));
    else this.#words.push(kind === "name" ? this.#name(text, index) : text);
  }

  #name(text: string, index: number): string {
    const declared = this.#context.module.byName.get(text);
    if (declared === undefined) {
      if (text === "eval" || (text === "Function" && this.#isCalled(index))) this.#isOpen = true;
      return isShortened(text) ? this.#local(text) : text;
    }
    const task = this.#context.taskOf.get(declared);
    if (task !== undefined) return `task ${task}`;
    if (declared.kind === "helper" && this.#isRequire(declared)) this.#noteImport(index);
    const number = this.#refs.get(declared) ?? this.#refs.size;
    this.#refs.set(declared, number);
    return `@${number}.${declared.names.indexOf(text)}`;
  }

  /** `ctx.params.limit` names one, `const { params } = ctx` may read any. */
  #paramsAt(index: number): ReadParams {
    const { tokens } = this.#context.module;
    const [before, next, name, end] = [-1, 1, 2, 3].map((offset) => tokens[index + offset]);
    if (before?.text !== "." && before?.text !== "?.") return "all";
    if ((next?.text === "." || next?.text === "?.") && name?.kind === "property") {
      return [name.text];
    }
    const isWhole = name?.kind === "literal" && /^["']/.test(name.text) && end?.text === "]";
    return next?.text === "[" && isWhole && !name.text.includes("\\")
      ? [name.text.slice(1, -1)]
      : "all";
  }

  #isCalled(index: number): boolean {
    return this.#context.module.tokens[index + 1]?.text === "(";
  }

  #local(text: string): string {
    const number = this.#locals.get(text) ?? this.#locals.size;
    this.#locals.set(text, number);
    return `%${number}`;
  }

  /** Bun's `require` of what is not in the bundle: `var t = import.meta.require;` */
  #isRequire({ range }: Declaration): boolean {
    return this.#context.module.text(range[1] - 1) === "require";
  }

  #noteImport(index: number): void {
    const { tokens } = this.#context.module;
    const open = tokens[index + 1];
    if (open?.text === ".") {
      // Not Bun's own declaration of `require`.
      if (tokens[index + 4]?.text === "require" && tokens[index + 5]?.text === "(")
        this.#isOpen = true;
      return;
    }
    const argument = tokens[index + 2];
    // Not `import("./" + name)`, nor a template with a value in it.
    const isWhole = /^[,)]$/.test(tokens[index + 3]?.text ?? "");
    if (open?.text !== "(" || argument?.kind !== "literal" || !isWhole) this.#isOpen = true;
    else this.#noteModule(argument.text.slice(1, -1));
  }

  #noteModule(module: string): void {
    const versions = this.#context.versions(module);
    this.#words.push(versions);
    if (isOfRuntime(module)) return;
    this.#params = "all";
    if (versions !== "") for (const each of versions.split(" ")) this.#packages.add(each);
  }
}

/** Its own modules know nothing of a task's context. */
const isOfRuntime = (module: string): boolean => isBuiltin(module) || module.startsWith("bun:");
