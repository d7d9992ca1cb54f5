// The declared `files` of tasks as one text, for machines that do not have them. It is named by its hash.

import { readFileSync, statSync } from "node:fs";
import { isAbsolute, join, normalize, resolve } from "node:path";

import { globOf, isFilePattern } from "../base/file-pattern.ts";
import { Buffer, JSON } from "../base/globals.ts";
import { sha256 } from "../base/sha256.ts";
import { LoadError } from "./load-error.ts";

type BundleFiles = {
  /** SHA-256 of `text`. */
  readonly hash: string;
  /** JSON: the content of each file, in base64, by its path. */
  readonly text: string;
};

/** Of all files together. Redis, the run and each worker hold them whole. */
const mostMegabytes = 32;
const megabyte = 1024 * 1024;
const named = 3;

/**
 * @param folder of the pipeline file
 * @param declared paths and patterns; those that lead out of the folder are left to the machines
 * @returns undefined where there are no such files
 * @throws LoadError where they are too large, or cannot be read
 */
export function bundleFiles(folder: string, declared: readonly string[]): BundleFiles | undefined {
  const inside = declared.filter(isInside);
  const paths = [...new Set(inside.flatMap((path) => filesOf(folder, path)))].toSorted();
  if (paths.length === 0) return undefined;
  const sizes = paths.map((path) => ({ path, size: statSync(join(folder, path)).size }));
  const total = sizes.reduce((sum, { size }) => sum + size, 0);
  if (total > mostMegabytes * megabyte) throw new LoadError(tooLarge(sizes, total));
  const contents = paths.map((path) => [
    path,
    Buffer.from(readFileSync(join(folder, path))).toString("base64"),
  ]);
  const text = JSON.stringify(Object.fromEntries(contents));
  return { hash: sha256(text), text };
}

const isInside = (path: string): boolean =>
  !isAbsolute(path) && !/^\.\.(?:[\\/]|$)/.test(normalize(path));

/** With `/`, also on Windows. */
function filesOf(folder: string, declared: string): string[] {
  const whole = resolve(folder, declared);
  const found = statSync(whole, { throwIfNoEntry: false });
  if (found?.isFile() === true) return [withSlashes(normalize(declared))];
  if (found?.isDirectory() === true) {
    const inFolder = new Bun.Glob("**/*").scanSync({ cwd: whole, dot: true });
    return Array.from(inFolder, (path) => withSlashes(join(declared, path)));
  }
  if (found !== undefined || !isFilePattern(declared)) return [];
  const matched = globOf(declared).scanSync({ cwd: folder, followSymlinks: true });
  return Array.from(matched, withSlashes).filter(isInside);
}

const withSlashes = (path: string): string => path.replaceAll("\\", "/");

const megabytes = (bytes: number): string => `${Math.ceil(bytes / megabyte)} MB`;

function tooLarge(
  sizes: readonly { readonly path: string; readonly size: number }[],
  total: number,
): string {
  const largest = sizes.toSorted((a, b) => b.size - a.size).slice(0, named);
  const names = largest.map(({ path, size }) => `${path} (${megabytes(size)})`).join(", ");
  return `the \`files\` that tasks declare come to ${megabytes(total)}, and ${mostMegabytes} MB at most travel to other machines: ${names}; put large ones where each worker finds them and declare them by an absolute path, or run without --engine`;
}
