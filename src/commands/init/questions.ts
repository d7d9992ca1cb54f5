// The questions of the wizard, in order.

import { accessSync, constants, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";

import { codeOf, reasonOf } from "../../base/system-error.ts";
import {
  type Answers,
  dbProblem,
  defaults,
  type Draft,
  templateNames,
  templates,
} from "./answers.ts";
import type { Asked, Prompts } from "./prompts.ts";

export type InitIo = {
  /** The working directory. */
  readonly cwd: string;
  /** Whether git is installed, and the folder (absolute) is not inside a repository. */
  readonly canStartRepository: (folder: string) => boolean;
};

export type Question = {
  readonly key: keyof Answers;
  /** The flag that answers this question. */
  readonly flag: string;
  /** The answer when the question is not asked. */
  readonly fallback: (draft: Draft, io: InitIo) => Draft;
  readonly applies: (draft: Draft, io: InitIo) => boolean;
  /** @param before the previous answers, when the person came back */
  readonly ask: (prompts: Prompts, io: InitIo, before: Draft) => Promise<Asked<Draft>>;
};

const always = (): boolean => true;

const hasData = ({ template = defaults.template }: Draft): boolean => templates[template].hasData;

function mayHaveGit({ folder = defaults.folder }: Draft, io: InitIo): boolean {
  return io.canStartRepository(resolve(io.cwd, folder));
}

export const questions: readonly Question[] = [
  {
    key: "folder",
    flag: "[folder]",
    fallback: () => ({ folder: defaults.folder }),
    applies: always,
    ask: async (prompts, { cwd }, before) =>
      as(
        "folder",
        await prompts.text(
          "Where? (a folder; . is this one)",
          before.folder ?? defaults.folder,
          (folder) => folderProblem(folder, cwd),
        ),
      ),
  },
  {
    key: "template",
    flag: "--template",
    fallback: () => ({ template: defaults.template }),
    applies: always,
    ask: async (prompts, _, before) =>
      as(
        "template",
        await prompts.select(
          "What do you want to do?",
          templateNames.map((value) => ({ value, ...templates[value] })),
          before.template ?? defaults.template,
        ),
      ),
  },
  {
    key: "db",
    flag: "--db",
    fallback: () => ({ db: defaults.db }),
    applies: always,
    ask: async (prompts, _, before) =>
      as(
        "db",
        await prompts.text("Which database? (a SQLite file)", before.db ?? defaults.db, dbProblem),
      ),
  },
  {
    key: "data",
    flag: "--data or --no-data",
    fallback: (draft) => ({ data: hasData(draft) }),
    applies: hasData,
    ask: async (prompts, _, before) =>
      as("data", await prompts.confirm("Write example data?", before.data ?? true)),
  },
  {
    key: "editor",
    flag: "--editor or --no-editor",
    fallback: () => ({ editor: defaults.editor }),
    applies: always,
    ask: async (prompts, _, before) =>
      as("editor", await prompts.confirm("Types for your editor?", before.editor ?? true)),
  },
  {
    key: "git",
    flag: "--git or --no-git",
    fallback: (draft, io) => ({ git: mayHaveGit(draft, io) }),
    applies: mayHaveGit,
    ask: async (prompts, _, before) =>
      as("git", await prompts.confirm("A git repository?", before.git ?? true)),
  },
];

function as<Key extends keyof Answers>(key: Key, asked: Asked<Answers[Key]>): Asked<Draft> {
  return asked.kind === "answer" ? { kind: "answer", value: { [key]: asked.value } } : asked;
}

/** What is wrong with a folder; undefined when it is valid. */
export function folderProblem(folder: string, cwd: string): string | undefined {
  if (folder.trim() === "") return "a name is needed, or . for this folder";
  // eslint-disable-next-line no-control-regex
  if (/[\0-\x1f]/.test(folder)) return "a path has no control characters";
  return placeProblem(resolve(cwd, folder), cwd);
}

/** Looks at the nearest path that exists: the folder, or the one that it would be made in. */
function placeProblem(path: string, cwd: string): string | undefined {
  const shown = shownFrom(path, cwd);
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return placeAbove(path, cwd);
    if (!stats.isDirectory()) return `${shown} is a file`;
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    // A part of the path is a file; which one, the folders above say.
    if (codeOf(error) === "ENOTDIR") return placeAbove(path, cwd);
    return `${cut(shown)}: ${reasonOf(error)}`;
  }
}

function placeAbove(path: string, cwd: string): string | undefined {
  const above = dirname(path);
  return above === path ? `${path} is not there` : placeProblem(above, cwd);
}

/** As it was typed, about: relative if it is below. */
function shownFrom(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === "" || short.startsWith("..") ? path : short;
}

const mostShown = 60;
const cut = (text: string): string =>
  text.length <= mostShown ? text : `${text.slice(0, mostShown)}…`;

/** The questions that the flags do not answer, in order. */
export const openQuestions = (given: Draft, io: InitIo): Question[] =>
  questions.filter((question) => given[question.key] === undefined && question.applies(given, io));

/** Fills in defaults for what was neither given nor asked. */
export function complete(draft: Draft, io: InitIo): Answers {
  const filled = questions.reduce<Draft>(
    (all, question) =>
      all[question.key] === undefined ? { ...all, ...question.fallback(all, io) } : all,
    draft,
  );
  return { ...defaults, git: false, ...filled };
}
