// The code that a task can reach, as text for a person: so that what has changed can be shown.

import { JSON } from "../../base/globals.ts";
import type { FlatModule, Statement } from "./declarations.ts";

/** Characters. Longer code is not kept: its changes are not shown. */
const maxSource = 256 * 1024;

/**
 * @param module whose names the bundler has shortened
 * @param readable the same bundle with the author's names
 * @param wanted statements of `module`
 * @returns undefined for code that is too long
 */
export function sourceOf(
  module: FlatModule,
  readable: FlatModule,
  wanted: ReadonlySet<Statement>,
): string | undefined {
  const isAlike = isSameOrder(module, readable);
  const pieces = new Set<string>();
  for (const [index, statement] of module.statements.entries()) {
    const isOwn = statement.kind === "import" && statement.module === "pipeloom";
    if (isOwn || !wanted.has(statement)) continue;
    const shown = isAlike ? readable.statements[index] : statement;
    if (shown !== undefined) pieces.add(textOf(isAlike ? readable : module, shown));
  }
  const source = [...pieces].join("\n");
  return source.length > maxSource ? undefined : source;
}

/** The bundler prints both with the same statements. If it should not, the shortened names are shown. */
const isSameOrder = (one: FlatModule, other: FlatModule): boolean =>
  one.statements.length === other.statements.length &&
  one.statements.every(({ kind }, index) => other.statements[index]?.kind === kind);

function textOf(module: FlatModule, statement: Statement): string {
  if (statement.kind === "bare import") return `import ${JSON.stringify(statement.module)};`;
  const attached = statement.kind === "effect" ? [] : statement.attached;
  const prefix = statement.kind === "variable" ? "var " : "";
  const text = [statement.range, ...attached].map((range) => module.codeOf(range)).join("\n");
  return prefix + text.trim();
}
