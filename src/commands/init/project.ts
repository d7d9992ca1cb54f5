// The files of a new project, from the answers. Pure, because the wizard shows them before it writes.

import { JSON } from "../../base/globals.ts";
import { below, type TextFiles } from "../../kit/kit.ts";
import { tsconfig } from "../../kit/tsconfig.ts";
import { type Answers, projectName } from "./answers.ts";

/** The text in the templates that the answer replaces. */
const templateDb = `"./pipeloom.db"`;

/**
 * Path to text, relative to the project.
 * @param templates all templates; the first folder of a path is the name of the template
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

/** SQLite and pipeloom create files beside a database, with its name as their prefix. */
function gitignore(db: string): string {
  const usual = /\.db$|^:memory:$/.test(db);
  const named = usual ? [] : [`${db.replace(/^\.\//, "")}*`];
  const lines = ["node_modules/", "downloads/", "*.db", "*.db-*", ...named, ".env"];
  return `${lines.join("\n")}\n`;
}
