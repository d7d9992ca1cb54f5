// Joins emitted declaration files into one: the entry's exports and everything they refer to, in the order of
// reference. The parser understands tsc's output only: a top-level statement starts in the first column and its body is
// indented. Any other text is an error, so the build fails before a user's editor does.

import { posix } from "node:path";

type Statement = { readonly name: string; readonly text: string };

type Module = {
  readonly path: string;
  readonly statements: readonly Statement[];
  /** Local name → the module it comes from. */
  readonly imports: ReadonlyMap<string, Origin>;
  /** Exported names, including re-exports from other modules. */
  readonly exports: ReadonlyMap<string, Export>;
};

type Origin = { readonly module: string; readonly name: string };

/** `typeOnly`: the name is not a value for the user. `new Pipeline`, for example, does not exist at run time. */
type Export = Origin & { readonly typeOnly: boolean };

/** Reads a module's declarations. Paths are relative to the folder of the entry. */
type Read = (module: string) => Promise<string>;

/**
 * @param entry the module whose exports are public
 * @throws Error for two declarations of one name, `export *`, default exports and renamed exports
 */
export async function flatten(entry: string, read: Read): Promise<string> {
  const joined = new Joined(read);
  const { exports } = await joined.module(entry);
  for (const origin of exports.values()) await joined.add(origin);
  return joined.render([...exports.values()]);
}

class Joined {
  readonly #read: Read;
  readonly #modules = new Map<string, Promise<Module>>();
  /** By name, in the order of reference. */
  readonly #declared = new Map<string, { readonly module: string; readonly texts: string[] }>();

  constructor(read: Read) {
    this.#read = read;
  }

  module(path: string): Promise<Module> {
    const known = this.#modules.get(path);
    if (known !== undefined) return known;
    const parsed = this.#read(path).then((text) => parseModule(path, text));
    this.#modules.set(path, parsed);
    return parsed;
  }

  async add(origin: Origin): Promise<void> {
    const module = await this.module(origin.module);
    const own = module.statements.filter(({ name }) => name === origin.name);
    if (own.length === 0) return this.#addElsewhere(module, origin);
    const before = this.#declared.get(origin.name);
    if (before?.module === module.path) return;
    if (before !== undefined) {
      throw new Error(
        `"${origin.name}" is declared in ${before.module} and in ${module.path}, and both are part of the public types; rename one`,
      );
    }
    this.#declared.set(origin.name, { module: module.path, texts: own.map(({ text }) => text) });
    for (const { text } of own) await this.#addReferences(text, module);
  }

  async #addElsewhere(module: Module, { name }: Origin): Promise<void> {
    const from = module.exports.get(name);
    if (from === undefined || from.module === module.path) {
      throw new Error(`${module.path} does not declare "${name}"`);
    }
    await this.add(from);
  }

  async #addReferences(text: string, module: Module): Promise<void> {
    const declared = new Set(module.statements.map(({ name }) => name));
    for (const name of identifiers(text)) {
      const origin = declared.has(name) ? { module: module.path, name } : module.imports.get(name);
      if (origin !== undefined) await this.add(origin);
    }
  }

  render(exports: readonly Export[]): string {
    const texts = [...this.#declared.values()].flatMap((declared) => declared.texts);
    const names = exports.map(({ name, typeOnly }) => `  ${typeOnly ? "type " : ""}${name},`);
    return `${texts.join("\n")}\nexport {\n${names.join("\n")}\n};\n`;
  }
}

const declaration =
  /^(?:declare )?(?:abstract )?(?:type|interface|function|const|let|class|enum) (\w+)/m;

const typeKeyword = /^export (?:type|interface|declare (?:abstract )?class) /m;

const imported = /^import (?:type )?\{([^}]*)\} from "([^"]+)";$/;
const reexported = /^export (type )?\{([^}]*)\} from "([^"]+)";$/;

function parseModule(path: string, text: string): Module {
  const statements: Statement[] = [];
  const imports = new Map<string, Origin>();
  const exports = new Map<string, Export>();
  for (const statement of splitStatements(text)) {
    const taken = imported.exec(statement);
    const passed = reexported.exec(statement);
    if (taken !== null) addImports(imports, path, taken);
    else if (passed !== null) addReexports(exports, path, passed);
    else if (statement !== "export {};") {
      const declared = parseDeclaration(path, statement);
      statements.push(declared);
      const { name } = declared;
      const typeOnly = typeKeyword.test(statement);
      if (declared.text !== statement) exports.set(name, { module: path, name, typeOnly });
    }
  }
  return { path, statements, imports, exports };
}

function parseDeclaration(path: string, statement: string): Statement {
  const text = statement.replace(/^export /m, "");
  const name = declaration.exec(text)?.[1];
  if (name === undefined) throw new Error(`${path}: cannot read the declaration\n${statement}`);
  return { name, text };
}

type Matched = readonly (string | undefined)[];

function addImports(imports: Map<string, Origin>, path: string, match: Matched): void {
  const [, names = "", from = ""] = match;
  const module = posix.join(posix.dirname(path), from);
  for (const { name } of listed(names, path)) imports.set(name, { module, name });
}

function addReexports(exports: Map<string, Export>, path: string, match: Matched): void {
  const [, type, names = "", from = ""] = match;
  const module = posix.join(posix.dirname(path), from);
  for (const { name, typeOnly } of listed(names, path)) {
    exports.set(name, { module, name, typeOnly: typeOnly || type !== undefined });
  }
}

/** `a, type B` → `a`, and `B` as a type */
const listed = (names: string, path: string): { name: string; typeOnly: boolean }[] =>
  names
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const name = part.replace(/^type /, "");
      if (!/^\w+$/.test(name)) throw new Error(`${path}: "${name}" is renamed; export it as it is`);
      return { name, typeOnly: name !== part };
    });

/** Each statement includes the comment above it. */
function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let lines: string[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    lines.push(line);
    if (!endsStatement(line, lines)) continue;
    statements.push(lines.join("\n"));
    lines = [];
  }
  if (lines.length > 0) throw new Error(`a declaration without an end:\n${lines.join("\n")}`);
  return statements;
}

/** A lone `}` ends an interface, class or enum. In a type alias, ` | {` may follow it. */
function endsStatement(line: string, lines: readonly string[]): boolean {
  if (line === "}") return withBody.test(lines.find((each) => !/^(?:\/\*| \*)/.test(each)) ?? "");
  return /^[^\s/*].*;$/.test(line);
}

const withBody = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|class|enum) /;

/** Includes property names, so the output may declare more than is needed, never less. */
function identifiers(text: string): string[] {
  const code = text.replaceAll(/\/\*[^]*?\*\/|"(?:[^"\\]|\\.)*"/g, " ");
  return [...new Set(code.match(/[A-Za-z_$][\w$]*/g))];
}
