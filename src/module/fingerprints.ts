// Fingerprints of the code of each task: a run that is continued compares them, and runs again what has changed.
//
//   sources ──► bundle ──► tokens ──► declarations ──► what a task's call names, and so on ──► SHA-256
//
// A fingerprint covers the call of `task` or `sh`, without the options that only say when to run; the declarations that it
// reaches, in all files; the versions of the packages among them; and every statement that does something when a file is
// loaded, with what that reaches. Comments, types, layout, names and the code of other tasks are not in it. It may change
// without need, e.g. with another version of Bun. It changes whenever the code does something else, except where code reads
// its own names (`constructor.name`), or where a getter or `toString` does more than to return a value.

import { failureLine, toFailure } from "../base/failure.ts";
import { firstFew } from "../base/first-few.ts";
import { JSON } from "../base/globals.ts";
import { sha256 } from "../base/sha256.ts";
import type { ModuleSource } from "../protocol/messages.ts";
import { bundleOf } from "./fingerprints/bundle.ts";
import { FlatModule, type Statement } from "./fingerprints/declarations.ts";
import { makersIn } from "./fingerprints/makers.ts";
import { PackageVersions } from "./fingerprints/package-versions.ts";
import { Purity } from "./fingerprints/purity.ts";
import { bothRead, type Digest, Shapes } from "./fingerprints/shapes.ts";
import { type TaskCall, taskCallsIn } from "./fingerprints/task-calls.ts";
import { sourceOf } from "./fingerprints/task-sources.ts";
import { codeHash } from "./sources.ts";

export type Fingerprints = {
  /** SHA-256 in hex, by the task's name. */
  readonly byTask: ReadonlyMap<string, string>;
  /** Why some tasks have the hash of the whole module, so that any edit counts as a change of them. */
  readonly coarse: string | undefined;
  /** Tasks that may load code which no fingerprint covers: an edit of it is not seen. */
  readonly unseen: readonly string[];
  /** Tasks whose fingerprint does not cover all that they may load. */
  readonly unknown: ReadonlySet<string>;
  /** By the task's name: the params that its code can read; `all` where that is not known. */
  readonly params: ReadonlyMap<string, readonly string[] | "all">;
  /** By fingerprint: the code, for a person. Not of code that is too long. */
  readonly sources: (wanted: ReadonlySet<string>) => Promise<ReadonlyMap<string, string>>;
  /** By the task's name: the packages whose code it can reach, e.g. `a@1.2.0 b@0.3.1`. */
  readonly packages: ReadonlyMap<string, string>;
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
  // The run itself is not in danger.
  const coarse = (why: string): Fingerprints => {
    const hash = codeHash(entry, sources);
    return {
      byTask: new Map(tasks.map((name) => [name, hash])),
      coarse: why,
      unseen: [],
      // The versions of packages are not in it.
      unknown: new Set(tasks),
      params: new Map(),
      packages: new Map(),
      sources: async () => new Map(),
    };
  };
  let bundle: Awaited<ReturnType<typeof bundleOf>>;
  try {
    bundle = await bundleOf(entry, sources, true);
  } catch (thrown) {
    const why = toFailure(thrown instanceof AggregateError ? thrown.errors[0] : thrown).message;
    return coarse(`no bundle of the code: ${why}`);
  }
  try {
    const { text, importers } = bundle;
    return fingerprintsIn(new FlatModule(text), new PackageVersions(importers), tasks, async () => {
      const readable = await bundleOf(entry, sources, false);
      return new FlatModule(readable.text);
    });
  } catch (thrown) {
    return coarse(`Internal error, a bug in pipeloom: ${failureLine(toFailure(thrown))}`);
  }
}

function fingerprintsIn(
  module: FlatModule,
  versionsOf: PackageVersions,
  tasks: readonly string[],
  readable: () => Promise<FlatModule>,
): Fingerprints {
  const calls = taskCallsIn(module);
  const { effects, effectsBefore } = effectsOf(module);
  const shapes = new Shapes({
    module,
    effectsBefore,
    taskOf: new Map(calls.flatMap((call) => (call.isValue ? [[call.statement, call.name]] : []))),
    versions: (specifier) => versionsOf.of(specifier),
  });
  // Any task may depend on what is done when the module is loaded.
  const all = shapes.digest(effects.map((effect) => shapes.ofStatement(effect)));
  const callsOf = Map.groupBy(calls, ({ name }) => name);
  const digests = digestsOf(callsOf, shapes);
  const makers = tasks.every((name) => digests.has(name)) ? [] : makersIn(module, calls);
  const shared = sharedDigest(makers, shapes);
  const digestOf = (name: string): Digest | undefined => digests.get(name) ?? shared;
  const { byTask, coarse, params, packages } = byDigest(tasks, digestOf, all);
  const unseen = coarse.get(opens) ?? [];
  const isCoarse = new Set([...coarse.values()].flat());
  const statementsOf = (name: string): ReadonlySet<Statement> => {
    if (isCoarse.has(name)) return new Set(module.statements);
    const own = callsOf.get(name)?.map(({ statement }) => statement) ?? makers;
    return new Set([...effects, ...all.reached, ...own, ...(digestOf(name)?.reached ?? [])]);
  };
  const sources = async (wanted: ReadonlySet<string>): Promise<Map<string, string>> => {
    const names = tasks.filter((name) => wanted.has(byTask.get(name) ?? ""));
    if (names.length === 0) return new Map();
    const shown = await readable();
    const found = names.map(
      (name) => [byTask.get(name) ?? "", sourceOf(module, shown, statementsOf(name))] as const,
    );
    return new Map(
      found.flatMap(([hash, source]) => (source === undefined ? [] : [[hash, source]])),
    );
  };
  const whole = (): string =>
    sha256(JSON.stringify([module.tokens.map(({ text }) => text), versionsOf.all()]));
  const common = { byTask, unseen, unknown: new Set(unseen), params, packages, sources };
  return { ...common, coarse: coarse.size === 0 ? undefined : shareOne(coarse, byTask, whole) };
}

/**
 * The tasks without a fingerprint of their own share that of the whole code.
 * @returns why they do
 */
function shareOne(
  coarse: ByDigest["coarse"],
  byTask: Map<string, string>,
  whole: () => string,
): string {
  const hash = whole();
  for (const name of [...coarse.values()].flat()) byTask.set(name, hash);
  return Array.from(coarse, ([why, names]) => `${firstFew(names)}: ${why}`).join("; ");
}

const digestsOf = (
  callsOf: ReadonlyMap<string, readonly TaskCall[]>,
  shapes: Shapes,
): ReadonlyMap<string, Digest> =>
  new Map(
    Array.from(callsOf, ([name, calls]) => [
      name,
      shapes.digest(calls.map((call) => shapes.ofTask(call))),
    ]),
  );

type ByDigest = Pick<Fingerprints, "params" | "packages"> & {
  readonly byTask: Map<string, string>;
  /** Why tasks have no fingerprint of their own → their names. */
  readonly coarse: ReadonlyMap<string, readonly string[]>;
};

/** @param all what is done when the module is loaded */
function byDigest(
  tasks: readonly string[],
  digestOf: (name: string) => Digest | undefined,
  all: Digest,
): ByDigest {
  const byTask = new Map<string, string>();
  const coarse = new Map<string, string[]>();
  const params = new Map<string, readonly string[] | "all">();
  const packages = new Map<string, string>();
  for (const name of tasks) {
    const own = digestOf(name);
    if (own !== undefined) {
      params.set(name, bothRead(own.params, all.params));
      packages.set(name, [...new Set([...own.packages, ...all.packages])].toSorted().join(" "));
    }
    if (own !== undefined && !own.isOpen && !all.isOpen) {
      byTask.set(name, sha256(all.hash + own.hash));
    } else {
      const why = own === undefined ? notFound : opens;
      coarse.set(why, [...(coarse.get(why) ?? []), name]);
    }
  }
  return { byTask, coarse, params, packages };
}

/** Tasks that no call of their own defines share a fingerprint: any edit of what defines them counts for each. */
const sharedDigest = (makers: readonly Statement[], shapes: Shapes): Digest | undefined =>
  makers.length === 0 ? undefined : shapes.digest(makers.map((maker) => shapes.ofStatement(maker)));

const notFound = "no call of `task` or `sh` that defines it was found";
const opens = "an import, `require`, `eval` or `Function` of what only the run knows";

/** The statements that do something when the module is loaded, and how many of them come before each statement. */
function effectsOf(module: FlatModule): {
  readonly effects: Statement[];
  readonly effectsBefore: Map<Statement, number>;
} {
  const purity = new Purity(module);
  const effects: Statement[] = [];
  const effectsBefore = new Map<Statement, number>();
  let isLoading = true;
  for (const statement of module.statements) {
    effectsBefore.set(statement, effects.length);
    if (isLoading && !purity.isIdle(statement)) effects.push(statement);
    isLoading &&= !purity.awaitsRun(statement);
  }
  return { effects, effectsBefore };
}
