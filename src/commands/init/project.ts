// The files of a new project, from the answers: pure, for the wizard shows them before it writes.

import { JSON } from "../../base/globals.ts";
import { below, type TextFiles } from "../../kit/kit.ts";
import { type Answers, projectName } from "./answers.ts";

/** As it stands in the templates; replaced by the answer. */
const templateDb = `"./pipeloom.db"`;

/**
 * Path to text, relative to the project.
 * @param templates all templates, each in a folder of its name
 * @param folder the project's absolute path
 */
export function projectFiles(answers: Answers, templates: TextFiles, folder: string): TextFiles {
  const name = projectName(folder);
  const own = Object.entries(below(templates, answers.template))
    .filter(([path]) => answers.data || !path.startsWith("data/"))
    .map(([path, text]) => [path, filled(path, text, name, answers)]);
  return {
    ...Object.fromEntries(own),
    "package.json": json({ name, private: true, type: "module" }),
    ".gitignore": gitignore(answers.db),
    ...(answers.editor ? { "tsconfig.json": tsconfig } : {}),
  };
}

function filled(path: string, text: string, name: string, { db }: Answers): string {
  if (path.startsWith("data/")) return text;
  if (path.endsWith(".md")) return text.replaceAll("{{name}}", name).replaceAll("{{db}}", db);
  return text
    .replaceAll(templateDb, JSON.stringify(db))
    .replaceAll(/name: "template-[a-z-]+"/g, `name: ${JSON.stringify(name)}`);
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** What Bun recommends, with its types: they lie in node_modules, written from the executable. */
const tsconfig = `{
  "compilerOptions": {
    "target": "ESNext",
    "module": "Preserve",
    "moduleResolution": "bundler",
    "moduleDetection": "force",
    "lib": ["ESNext"],
    "types": ["bun-types"],
    "noEmit": true,
    "allowImportingTsExtensions": true,
    "verbatimModuleSyntax": true,
    "skipLibCheck": true,
    "strict": true,
    "noUncheckedIndexedAccess": true,
    "noFallthroughCasesInSwitch": true,
    "noImplicitOverride": true
  }
}
`;

/** SQLite and pipeloom put files beside a database, named after it. */
function gitignore(db: string): string {
  const usual = /\.db$|^:memory:$/.test(db);
  const named = usual ? [] : [`${db.replace(/^\.\//, "")}*`];
  const lines = ["node_modules/", "downloads/", "*.db", "*.db-*", ...named, ".env"];
  return `${lines.join("\n")}\n`;
}
