// What the results of each definition depend on beside its code and the input, compared with earlier runs.

import type { ReuseRule } from "../api/reuse-rule.ts";
import { crypto, Promise } from "../base/globals.ts";
import { canonicalJson } from "../base/json.ts";
import { isHashOf, keyedHash } from "../base/keyed-hash.ts";
import type {
  DefinitionParts,
  FilePart,
  KnownParts,
  PartsChange,
  TaskParts,
} from "../protocol/reuse.ts";
import { FileParts } from "./file-parts.ts";
import type { Fingerprints } from "./fingerprints.ts";

export type PartsRequest = {
  /** The definitions, by their names in the file. */
  readonly tasks: ReadonlyMap<
    string,
    { readonly name: string; readonly reuse: ReuseRule | undefined }
  >;
  readonly params: Readonly<Record<string, unknown>>;
  readonly known: readonly KnownParts[];
};

export type FoundParts = {
  readonly parts: readonly TaskParts[];
  /** The definitions with a declared file that has changed since. */
  changed(): Promise<readonly string[]>;
};

/** The values that the parts are made of. Secret ones are stored as keyed hashes only. */
type Values = {
  readonly version: string | undefined;
  readonly files: DefinitionParts["files"];
  readonly env: ReadonlyMap<string, string | null>;
  readonly params: ReadonlyMap<string, string | null> | undefined;
  readonly allParams: string | undefined;
};

/** @param folder that the paths of files start from */
export async function taskParts(
  folder: string,
  fingerprints: Fingerprints,
  { tasks, params, known }: PartsRequest,
): Promise<FoundParts> {
  const files = new FileParts(
    folder,
    known.flatMap(({ parts }) => parts.files ?? []),
  );
  const parts = await Array.fromAsync(
    tasks,
    async ([task, { name, reuse }]): Promise<TaskParts> => {
      const packages = fingerprints.packages.get(name) ?? "";
      const common = packages === "" ? {} : { packages };
      const fingerprint = fingerprints.byTask.get(name);
      if (reuse === undefined || fingerprint === undefined)
        return { task, parts: common, alike: null };
      const values = await valuesOf(reuse, fingerprints.params.get(name), params, files);
      const now = { fingerprint, packages, values };
      const own = known.filter((each) => each.task === task);
      const [last] = own;
      const what = last === undefined ? [] : changesSince(last, now);
      const changed =
        last === undefined || what.length === 0 ? {} : { changed: { run: last.run, what } };
      const same = own.find((each) => changesSince(each, now).length === 0);
      const isKnown = !fingerprints.unknown.has(name);
      return {
        task,
        parts: { ...common, ...stored(values), ...changed },
        alike: isKnown ? (same?.alike ?? newAlike()) : null,
      };
    },
  );
  return {
    parts,
    async changed() {
      const reading = [...tasks].filter(([, { reuse }]) => (reuse?.files ?? []).length > 0);
      const same = await Promise.all(
        reading.map(([, { reuse }]) => files.areAsRead(reuse?.files ?? [])),
      );
      return reading.flatMap(([task], index) => (same[index] === true ? [] : [task]));
    },
  };
}

async function valuesOf(
  { files: paths, env: names, version, programEnv }: ReuseRule,
  read: ReturnType<Fingerprints["params"]["get"]>,
  params: Readonly<Record<string, unknown>>,
  files: FileParts,
): Promise<Values> {
  const env = new Map([
    ...names.map((name) => [name, process.env[name] ?? null] as const),
    ...Object.entries(programEnv),
  ]);
  const isKnown = read !== undefined && read !== "all";
  return {
    version,
    files: paths.length === 0 ? undefined : await files.all(paths),
    env,
    params: isKnown ? new Map(read.map((name) => [name, paramText(params, name)])) : undefined,
    allParams: isKnown ? undefined : canonicalJson(params),
  };
}

const paramText = (params: Readonly<Record<string, unknown>>, name: string): string | null =>
  Object.hasOwn(params, name) ? canonicalJson(params[name]) : null;

function stored({ version, files, env, params, allParams }: Values): DefinitionParts {
  return {
    ...(version === undefined ? {} : { version }),
    ...(files === undefined ? {} : { files }),
    ...(env.size === 0 ? {} : { env: hashed(env) }),
    ...(params === undefined || params.size === 0 ? {} : { params: hashed(params) }),
    ...(allParams === undefined ? {} : { allParams: keyedHash(allParams) }),
  };
}

const hashed = (values: ReadonlyMap<string, string | null>): Record<string, string | null> =>
  Object.fromEntries(
    Array.from(values, ([name, value]) => [name, value === null ? null : keyedHash(value)]),
  );

type Now = { readonly fingerprint: string; readonly packages: string; readonly values: Values };

type Change = PartsChange["what"][number];

/** The parts that differ, in the order in which they are named. */
function changesSince({ fingerprint, parts: before }: KnownParts, now: Now): readonly Change[] {
  const { values } = now;
  const hasPackages = fingerprint !== now.fingerprint && (before.packages ?? "") !== now.packages;
  return [
    ...(hasPackages
      ? [{ part: "packages", names: differing(before.packages ?? "", now.packages) }]
      : []),
    ...(fingerprint === now.fingerprint ? [] : [{ part: "code", names: [] }]),
    ...changeOf("files", changedFiles(before.files ?? [], values.files ?? [])),
    ...changeOf("env", changedValues(before.env, values.env)),
    ...paramChanges(before, values),
    ...(before.version === values.version ? [] : [{ part: "version", names: [] }]),
  ];
}

const changeOf = (part: string, names: readonly string[]): Change[] =>
  names.length === 0 ? [] : [{ part, names }];

/** Words that only one of the texts has. */
function differing(before: string, now: string): string[] {
  const [old, current] = [new Set(before.split(" ")), new Set(now.split(" "))];
  return [...old.symmetricDifference(current)].filter((word) => word !== "");
}

function changedFiles(before: readonly FilePart[], now: readonly FilePart[]): string[] {
  const hashes = new Map(before.map(({ path, hash }) => [path, hash]));
  const changed = now.filter(({ path, hash }) => hashes.get(path) !== hash).map(({ path }) => path);
  const gone = before.filter(({ path }) => !now.some((each) => each.path === path));
  return [...changed, ...gone.map(({ path }) => path)];
}

function changedValues(
  before: DefinitionParts["env"] = {},
  values: ReadonlyMap<string, string | null>,
): string[] {
  const names = new Set([...Object.keys(before), ...values.keys()]);
  return [...names].filter((name) => {
    const [hash, value] = [before[name], values.get(name)];
    if (typeof hash === "string" && typeof value === "string") return !isHashOf(hash, value);
    return hash !== value;
  });
}

function paramChanges(before: DefinitionParts, now: Values): Change[] {
  const { allParams: hash } = before;
  if (hash === undefined && now.allParams === undefined) {
    return changeOf("params", changedValues(before.params, now.params ?? new Map()));
  }
  const isSame = hash !== undefined && now.allParams !== undefined && isHashOf(hash, now.allParams);
  return isSame ? [] : [{ part: "params", names: [] }];
}

/** 52 random bits: a number for whom no run of the pipeline has the same is as good as certain. */
function newAlike(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high & 0xfffff) * 2 ** 32 + low;
}
