// Fingerprints of the code of each task: a run that is continued compares them, and runs again what has changed.
//
//   sources ──► bundle ──► tokens ──► declarations ──► what a task's call names, and so on ──► SHA-256
//
// A fingerprint covers the call of `task` or `sh`, without the options that only say when to run; the declarations that it
// reaches, in all files; the versions of the packages among them; and every statement that does something when the module
// is loaded, with what that reaches. Comments, types, layout, the names of variables and the code of other tasks are not in
// it. It may change without need, e.g. with another version of Bun. It never stays when the code has changed.

import { JSON } from "../base/globals.ts";
import type { ModuleSource } from "../protocol/messages.ts";
import { bundleOf } from "./fingerprints/bundle.ts";
import { FlatModule } from "./fingerprints/declarations.ts";
import { PackageVersions } from "./fingerprints/package-versions.ts";
import { Purity } from "./fingerprints/purity.ts";
import { type Digest, Shapes } from "./fingerprints/shapes.ts";
import { taskCallsIn } from "./fingerprints/task-calls.ts";
import { codeHash } from "./sources.ts";

export type Fingerprints = {
  /** SHA-256 in hex, by the task's name. */
  readonly byTask: ReadonlyMap<string, string>;
  /** Why some tasks have the hash of the whole module, so that any edit counts as a change of them. */
  readonly coarse: string | undefined;
};

/**
 * @param sources the texts that the run began with
 * @param tasks the names of all tasks that the module defines
 */
export async function fingerprintsOf(
  entry: string,
  sources: readonly ModuleSource[],
  tasks: readonly string[],
): Promise<Fingerprints> {
  try {
    const { text, importers } = await bundleOf(entry, sources);
    return fingerprintsIn(new FlatModule(text), new PackageVersions(importers), tasks);
  } catch (thrown) {
    // The run itself is not in danger.
    const hash = codeHash(entry, sources);
    const why = thrown instanceof AggregateError ? String(thrown.errors[0]) : String(thrown);
    return {
      byTask: new Map(tasks.map((name) => [name, hash])),
      coarse: `no bundle of the code: ${why}`,
    };
  }
}

function fingerprintsIn(
  module: FlatModule,
  packages: PackageVersions,
  tasks: readonly string[],
): Fingerprints {
  const calls = taskCallsIn(module);
  const shapes = new Shapes({
    module,
    taskOf: new Map(
      calls.flatMap(({ name, variable }) => (variable === undefined ? [] : [[variable, name]])),
    ),
    versions: (specifier) => packages.of(specifier),
  });
  const effects = effectsOf(module, shapes);
  const callsOf = Map.groupBy(calls, ({ name }) => name);
  const coarse = new Map<string, string[]>();
  const byTask = new Map<string, string>();
  for (const name of tasks) {
    const own = shapes.digest((callsOf.get(name) ?? []).map(({ code }) => shapes.ofCode(code)));
    const why = !callsOf.has(name)
      ? undefinedHere
      : own.isOpen || effects.isOpen
        ? opens
        : undefined;
    if (why === undefined) byTask.set(name, sha256(effects.hash + own.hash));
    else coarse.set(why, [...(coarse.get(why) ?? []), name]);
  }
  if (coarse.size === 0) return { byTask, coarse: undefined };
  const whole = sha256(JSON.stringify([module.tokens.map(({ text }) => text), packages.all()]));
  for (const name of [...coarse.values()].flat()) byTask.set(name, whole);
  const reasons = Array.from(coarse, ([why, names]) => `${names.join(", ")}: ${why}`);
  return { byTask, coarse: reasons.join("; ") };
}

const undefinedHere =
  'not defined by a `task({ name: "…", … })` at the top level of a module (but in a loop, say, or by a function)';
const opens = "an import, `require` or `eval` of what only the run knows";

/** Of all that is done when the module is loaded: any task may depend on it. */
const effectsOf = (module: FlatModule, shapes: Shapes): Digest => {
  const purity = new Purity(module);
  const effects = module.statements.filter((statement) => !purity.isIdle(statement));
  return shapes.digest(effects.map((statement) => shapes.ofStatement(statement)));
};

const sha256 = (text: string): string => new Bun.CryptoHasher("sha256").update(text).digest("hex");
