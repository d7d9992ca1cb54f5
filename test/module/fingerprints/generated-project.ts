// A random pipeline in one to four files, with numbers at places that an edit can change. Names are few, so that locals hide
// what is imported; and a file may change its variables while it is loaded.

import { Random } from "../../simulator/random.ts";

type Kind = "number" | "variable" | "function" | "object" | "list" | "class" | "enum";
type Named = { readonly name: string; readonly kind: Kind };
type Module = { readonly file: string; readonly lines: string[]; readonly exports: Named[] };

const names = ["a", "b", "c", "value", "list", "run", "items"];

export class GeneratedProject {
  readonly #random: Random;
  readonly #modules: Module[] = [];
  /** How many numbers there are to edit. */
  numbers = 0;
  #tasks = 0;
  #unique = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    const count = this.#random.int(1, 4);
    for (let index = 0; index < count; index++) {
      this.#modules.push(this.#module(index === count - 1 ? "p.ts" : `m${index}.ts`));
    }
  }

  /** @param values of the numbers, in the order of the text */
  files(values: readonly number[]): Record<string, string> {
    const text = ({ lines }: Module): string =>
      lines.join("\n").replaceAll(/«(\d+)»/g, (_, index) => `${values[Number(index)]}`);
    return Object.fromEntries(this.#modules.map((module) => [module.file, text(module)]));
  }

  // ── modules ──

  #module(file: string): Module {
    const module: Module = { file, lines: ['import { task } from "pipeloom";'], exports: [] };
    const scope: Named[] = [];
    for (const other of this.#modules) this.#import(module, other, scope);
    for (let count = this.#random.int(4, 11); count > 0; count--) {
      const kind = this.#random.int(0, 11);
      if (kind < 7) this.#declaration(module, scope);
      else if (kind < 9) module.lines.push(this.#effect(scope));
      else module.lines.push(this.#task(scope));
    }
    return module;
  }

  #import(module: Module, other: Module, scope: Named[]): void {
    if (this.#random.chance(0.2)) {
      const space = this.#fresh(scope);
      module.lines.push(`import * as ${space} from "./${other.file}";`);
      const usable = other.exports.filter(({ kind }) => kind === "number" || kind === "function");
      scope.push(...usable.map(({ name, kind }) => ({ name: `${space}.${name}`, kind })));
      return;
    }
    const parts = other.exports
      .filter(() => this.#random.chance(0.7))
      .map(({ name, kind }) => {
        const local = this.#fresh(scope);
        // Only its own file may change a variable.
        scope.push({ name: local, kind: kind === "variable" ? "number" : kind });
        return `${name} as ${local}`;
      });
    module.lines.push(`import { ${parts.join(", ")} } from "./${other.file}";`);
  }

  #declaration(module: Module, scope: Named[]): void {
    const name = this.#fresh(scope);
    const param = this.#random.pick(names);
    const inside = within(scope, param);
    const [kind, text] = this.#random.pick<() => [Kind, string]>([
      () => ["number", `const ${name} = ${this.#expression(scope, 2)};`],
      () => ["variable", `let ${name} = ${this.#number()};`],
      () => ["variable", `let ${name} = ${this.#expression(scope, 1)};`],
      () => [
        "function",
        `function ${name}(${param}: number): number { ${this.#body(inside, param)} }`,
      ],
      () => [
        "function",
        `const ${name} = (${param} = ${this.#number()}): number => ${this.#expression(inside, 2)};`,
      ],
      () => ["list", `const ${name} = [${this.#expression(scope, 1)}, ${this.#number()}];`],
      () => ["enum", `enum ${name} { A = ${this.#number()}, B = ${this.#number()} }`],
      () => [
        "object",
        `const ${name} = { k: ${this.#expression(scope, 1)}, f: (${param}: number) => ${this.#expression(inside, 1)}, get g() { return ${this.#number()}; } };`,
      ],
      () => [
        "class",
        `class ${name} { static s = ${this.#expression(scope, 1)}; #z = ${this.#number()}; m(${param}: number) { return this.#z + ${this.#expression(inside, 1)}; } }`,
      ],
    ])();
    module.lines.push(`export ${text}`);
    scope.push({ name, kind });
    module.exports.push({ name, kind });
  }

  /** What runs when the file is loaded. */
  #effect(scope: readonly Named[]): string {
    const variable = this.#named(scope, "variable");
    const list = this.#named(scope, "list");
    if (variable === undefined)
      return list === undefined ? ";" : `${list}.push(${this.#number()});`;
    const value = this.#expression(scope, 1);
    const other = `done${this.#unique++}`;
    return this.#random.pick([
      () => `${variable} = ${value};`,
      () => `${variable} += ${value};`,
      () => `if (${value} > ${this.#number()}) ${variable} = ${this.#number()};`,
      () => `for (const each of [1, 2]) ${variable} += each * ${this.#number()};`,
      () => `(() => { ${variable} = ${value}; })();`,
      () => `function ${other}() { ${variable} = ${value}; } ${other}();`,
      () => `const ${other} = [1, 2].map((each) => (${variable} = each * ${this.#number()}));`,
      () => `const ${other} = ${value} > 9 ? () => 1 : (${variable} = ${this.#number()});`,
      () => `class ${other} { static { ${variable} = ${this.#number()}; } }`,
    ])();
  }

  #task(scope: readonly Named[]): string {
    const name = `t${this.#tasks++}`;
    const param = this.#random.pick(names);
    const inside = within(scope, param);
    const run = (known: readonly Named[]): string => this.#run(known);
    return this.#random.pick([
      () => `const task_${name} = task({ name: "${name}", timeout: "1s", ${run(scope)} });`,
      () => `export const task_${name} = task({ ${run(scope)}, name: "${name}" });`,
      () => `const task_${name} = { one: [task({ name: "${name}", ${run(scope)} })] };`,
      () =>
        `for (const ${param} of [${this.#number()}]) task({ name: "${name}", ${run(inside)} });`,
      () =>
        `const task_${name} = [${this.#number()}].map((${param}) => task({ name: "${name}", ${run(inside)} }));`,
      () =>
        `function make_${name}(${param}: number) { return task({ name: "${name}", ${run(inside)} }); } const task_${name} = make_${name}(${this.#expression(scope, 1)});`,
      () =>
        `const wrap_${name} = (f: () => number) => () => f() + ${this.#number()}; task({ name: "${name}", run: wrap_${name}(() => ${this.#expression(scope, 1)}) });`,
      () =>
        `const task_${name} = ${this.#expression(scope, 1)} > ${this.#number()} ? task({ name: "${name}", ${run(scope)} }) : task({ name: "${name}", ${run(scope)} });`,
      () => `{ const ${param} = ${this.#number()}; task({ name: "${name}", ${run(inside)} }); }`,
      () =>
        `const options_${name} = { ${run(scope)} }; task({ name: "${name}", ...options_${name} });`,
    ])();
  }

  #run(scope: readonly Named[]): string {
    const loaded = this.#modules.length > 0 ? this.#random.pick(this.#modules) : undefined;
    const number = loaded?.exports.find(({ kind }) => kind === "number")?.name;
    if (number !== undefined && this.#random.chance(0.15)) {
      return `run: async () => (await import("./${loaded?.file}")).${number} + ${this.#expression(scope, 1)}`;
    }
    return this.#random.pick([
      () => `run: () => ${this.#expression(scope, 2)}`,
      () => `async run() { ${this.#body(scope, undefined)} }`,
    ])();
  }

  // ── code ──

  #body(scope: readonly Named[], param: string | undefined): string {
    const local = this.#random.pick(names.filter((name) => name !== param));
    // In its own value, a local hides what it is named after.
    const value = this.#expression(without(scope, local), 1);
    const inside = within(scope, local);
    const early = `if (${this.#expression(inside, 1)} > ${this.#number()}) return ${this.#number()};`;
    return `const ${local} = ${value}; ${this.#random.chance(0.3) ? early : ""} return ${this.#expression(inside, 2)};`;
  }

  #expression(scope: readonly Named[], depth: number): string {
    if (depth === 0) return this.#word(scope);
    const part = (): string => this.#expression(scope, depth - 1);
    const of = (kind: Kind, text: (name: string) => string): string => {
      const name = this.#named(scope, kind);
      return name === undefined ? this.#number() : text(name);
    };
    const param = this.#random.pick(names);
    return this.#random.pick([
      () => `(${part()} + ${part()})`,
      () => `(${part()} + ${this.#number()})`,
      () => `(${part()} / 2 - ${part()})`,
      () => of("function", (name) => `${name}(${part()})`),
      () => of("object", (name) => `${name}.${this.#random.pick(["k", "g", "f(2)"])}`),
      () => of("list", (name) => `${name}.map((${param}_) => ${part()}).length`),
      () => of("class", (name) => this.#random.pick([`${name}.s`, `new ${name}().m(${part()})`])),
      () => of("enum", (name) => `Number(${name}.${this.#random.pick(["A", "B"])})`),
      () => `(${part()} > ${this.#number()} ? ${part()} : ${part()})`,
      () => `Number(\`\${${part()}}\`)`,
      () =>
        `(({ ${param} }) => ${this.#expression(within(scope, param), depth - 1)})({ ${param}: ${part()} })`,
      () => `JSON.stringify([${part()}]).replace(/[^\\d/"]+/g, "").length`,
    ])();
  }

  /** Mostly a name, and rather that of a variable: its value depends on what was done before. */
  #word(scope: readonly Named[]): string {
    const variable = this.#random.chance(0.5) ? this.#named(scope, "variable") : undefined;
    return variable ?? this.#named(scope, "number") ?? this.#number();
  }

  #number(): string {
    return `«${this.numbers++}»`;
  }

  #named(scope: readonly Named[], kind: Kind): string | undefined {
    const found = scope.filter((each) => each.kind === kind);
    return found.length === 0 ? undefined : this.#random.pick(found).name;
  }

  #fresh(scope: readonly Named[]): string {
    const taken = new Set(scope.map(({ name }) => name.split(".")[0]));
    const free = names.filter((name) => !taken.has(name));
    return free.length === 0 ? `u${this.#unique++}` : this.#random.pick(free);
  }
}

const without = (scope: readonly Named[], local: string): Named[] =>
  scope.filter(({ name }) => name.split(".")[0] !== local);

const within = (scope: readonly Named[], local: string): Named[] => [
  ...without(scope, local),
  { name: local, kind: "number" },
];
