// The code that defines the tasks whose definitions cannot be told apart: those of a loop, or of a function that makes them.

import type { Declaration, FlatModule, Range, Statement } from "./declarations.ts";
import { functionAt } from "./functions.ts";
import type { TaskCall } from "./task-calls.ts";

const describing = new Set(["task", "sh", "pipeline", "message"]);

/**
 * The statements that name `task` or `sh` other than in these calls, those that name what such a statement declares, and so
 * on: the caller of a function that makes tasks decides what they do. Calls of unknown functions count for all tasks anyway.
 */
export function makersIn(module: FlatModule, calls: readonly TaskCall[]): Statement[] {
  const known = new Set(calls.map(({ callee }) => callee[0]));
  const makers = new Set<Statement>();
  const namedIn = new Map<Statement, Set<Declaration>>();
  for (const statement of module.statements) {
    if (statement.kind === "bare import" || statement.kind === "import") continue;
    const names = new Set<Declaration>();
    for (const index of namesIn(module, statement)) {
      const declared = module.byName.get(module.text(index));
      if (declared === undefined) continue;
      if (declared.kind !== "import") names.add(declared);
      else if (!known.has(index) && isTaskOrSh(module, declared, index)) makers.add(statement);
    }
    namedIn.set(statement, names);
  }
  for (let size = -1; size < makers.size;) {
    size = makers.size;
    for (const [statement, names] of namedIn) {
      if (names.values().some((name) => makers.has(name))) makers.add(statement);
    }
  }
  return module.statements.filter((statement) => makers.has(statement));
}

/** Functions in a call of `pipeline` and the like run when no task can be defined any more. */
function* namesIn(
  module: FlatModule,
  statement: Exclude<Statement, { kind: "bare import" }>,
): Generator<number> {
  const { tokens } = module;
  const callee =
    statement.kind === "variable" ? module.byName.get(module.text(statement.init)) : undefined;
  const skips =
    callee?.kind === "import" && callee.module === "pipeloom" && describing.has(callee.imported);
  const attached: readonly Range[] = statement.kind === "effect" ? [] : statement.attached;
  for (const [from, to] of [statement.range, ...attached]) {
    for (let index = from; index < to; index++) {
      const inner = skips ? functionAt(tokens, index) : undefined;
      if (inner !== undefined) index = inner.end - 1;
      else if (tokens[index]?.kind === "name") yield index;
    }
  }
}

function isTaskOrSh(
  module: FlatModule,
  { module: from, imported }: Extract<Declaration, { kind: "import" }>,
  index: number,
): boolean {
  if (from !== "pipeloom") return false;
  const member = module.text(index + 1) === "." ? module.text(index + 2) : undefined;
  const name = imported === "*" ? member : imported;
  return name === undefined || name === "task" || name === "sh";
}
