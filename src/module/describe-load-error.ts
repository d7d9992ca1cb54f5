// What is wrong with a pipeline file, by file and line. Bun's errors have a position, or a name to search the file for.

import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

import { shownPath, startFolder } from "../base/path.ts";
import { thrownAt } from "../base/thrown-at.ts";

/** Bun's error for a file that does not parse, or an import that does not resolve. */
type Positioned = {
  readonly message: string;
  readonly position: Position | null;
  /** Of an import that does not resolve: its text, and the file that has it. */
  readonly specifier?: string;
  readonly referrer?: string;
};

type Position = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly lineText: string;
};

const isPositioned = (error: unknown): error is Positioned =>
  typeof error === "object" && error !== null && "position" in error && "message" in error;

/** `etl.ts:3:7: Unexpected token`, with the line and a marker below, where a position is known. */
export function describeLoadError(error: unknown, path: string): string {
  if (
    error instanceof AggregateError &&
    error.errors.length > 0 &&
    error.errors.every(isPositioned)
  ) {
    return error.errors.map((each: unknown) => describeLoadError(each, path)).join("\n");
  }
  if (isPositioned(error)) return positioned(error, path);
  const missing = error instanceof Error ? missingName(error, path) : undefined;
  return missing === undefined ? thrownAt(error, path) : positioned(missing, path);
}

/** The place is said before the message; a file within the executable means nothing to the author. */
const withoutReferrer = (message: string): string => message.replace(/ imported from .*$/s, "");

function positioned(error: Positioned, path: string): string {
  const position = error.position ?? importOf(error, path);
  const message = withoutReferrer(error.message);
  const remedy = installHint(error, path);
  if (position === undefined) return `${shownPath(path)}: ${message}${remedy}`;
  const at = `${shownPath(position.file === "" ? path : position.file)}:${position.line}:${position.column}`;
  const marker = `${" ".repeat(Math.max(position.column - 1, 0))}^`;
  return `${at}: ${message}\n  ${position.lineText}\n  ${marker}${remedy}`;
}

/** `@scope/name` or `name`, without what is behind it. */
const packageName = /^(?:@[\w.~-]+\/)?[a-z\d_~][\w.~-]*/i;

/** How to install a package that is not there. Not for a file, nor for a module of the runtime. */
function installHint({ message, specifier = "" }: Positioned, path: string): string {
  const [name] = packageName.exec(specifier) ?? [];
  if (name === undefined || !message.startsWith("Cannot find") || specifier.includes(":"))
    return "";
  const folder = dirname(path);
  const where = startFolder() === folder ? "" : `, in ${folder}`;
  return `\nto install it: pipeloom add ${name}${where}`;
}

/** Bun gives no line for an import that does not resolve: take the first line that names it. */
function importOf({ specifier, referrer }: Positioned, path: string): Position | undefined {
  if (specifier === undefined) return undefined;
  const file = referrer === undefined || referrer === "" ? path : referrer;
  return placeOf(file, new RegExp(`["'\`]${RegExp.escape(specifier)}["'\`]`));
}

function placeOf(file: string, pattern: RegExp): Position | undefined {
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, "utf8").split("\n");
  const index = lines.findIndex((line) => pattern.test(line));
  const lineText = lines[index];
  if (lineText === undefined) return undefined;
  return { file, line: index + 1, column: lineText.search(pattern) + 1, lineText };
}

const missingExport = /^Export named '(.+)' not found in module '(.+)'/;

/** The position of an imported name that the other module does not export. */
function missingName(error: Error, path: string): Positioned | undefined {
  const name = missingExport.exec(error.message)?.[1];
  const position =
    name === undefined ? undefined : placeOf(path, new RegExp(`\\b${RegExp.escape(name)}\\b`));
  return position === undefined ? undefined : { message: error.message, position };
}
