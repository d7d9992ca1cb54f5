// The versions of a package and of all that it needs, as installed: the code of packages is not read.

import { readFileSync, realpathSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";

import { JSON } from "../../base/globals.ts";

type Manifest = {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};

export class PackageVersions {
  readonly #importers: ReadonlyMap<string, readonly string[]>;
  readonly #known = new Map<string, string>();

  /** @param importers of each specifier: the folders of the files that import it */
  constructor(importers: ReadonlyMap<string, readonly string[]>) {
    this.#importers = importers;
  }

  /** E.g. `a@1.2.0 b@0.3.1`: of `a/part`, which needs `b`. Empty for what the runtime brings. */
  of(specifier: string): string {
    const known = this.#known.get(specifier);
    if (known !== undefined) return known;
    const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? "";
    const found = new Map<string, string>();
    if (!isBuiltin(specifier) && !specifier.startsWith("bun:")) {
      for (const folder of this.#importers.get(specifier) ?? []) collect(name, folder, found);
    }
    const versions = [...found.values()].toSorted().join(" ");
    this.#known.set(specifier, versions);
    return versions;
  }

  all(): string[] {
    return Array.from(this.#importers.keys(), (specifier) => this.of(specifier));
  }
}

/** @param found by the folder of the package */
function collect(name: string, from: string, found: Map<string, string>): void {
  const folder = folderOf(name, from);
  if (folder === undefined || found.has(folder)) return;
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  found.set(folder, `${manifest.name ?? name}@${manifest.version ?? "?"}`);
  const needed = {
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
    ...manifest.dependencies,
  };
  for (const other of Object.keys(needed)) collect(other, folder, found);
}

/** As Node looks for a package: in `node_modules` of each folder above. */
function folderOf(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    try {
      return dirname(realpathSync(join(folder, "node_modules", name, "package.json")));
    } catch {
      if (folder === dirname(folder)) return undefined;
    }
  }
}
