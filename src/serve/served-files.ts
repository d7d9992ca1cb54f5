// The files that are served: those that were named, and those in the folders that were named. Each is described by a child when it is
// found, and again when it, or what it imports, has changed. A look reads no file that is as it was.

import type { Clock, Timer } from "../base/clock.ts";
import { ConcurrencyLimit } from "../base/concurrency-limit.ts";
import { fileStamp, type StampOf } from "../base/file-stamp.ts";
import type { Named } from "./describe-child.ts";
import { argumentOf, type DescribedFile, type FileResult, type Stamp } from "./described.ts";
import { PipelineFolder } from "./pipeline-folder.ts";

export type Target =
  | { readonly kind: "file"; readonly named: Named }
  | { readonly kind: "folder"; readonly path: string };

type Deps = {
  readonly clock: Pick<Clock, "wall" | "after" | "cancel">;
  describe(named: Named): Promise<DescribedFile>;
  /** Children at once. */
  readonly maxChildren: number;
  /** @param since when it was found, or found to be different: slots that have come since then are not missed */
  onDescribed(named: Named, result: FileResult, since: number): void;
  onRemoved(named: Named): void;
  /** Folders in which a change is to be heard of. */
  watch(folders: readonly string[]): void;
};

/** A file that changes is described when it has been the same for so long: editors write in several steps. */
const settledMs = 200;
/** Where nothing tells of changes: network disks. */
const lookMs = 30_000;
/** A file may be broken because of something else than files: what it asks while it loads. */
const firstRetryMs = 60_000;
const longestRetryMs = 1_800_000;

type Known = {
  readonly named: Named;
  /** As it was described; null: it is being described for the first time. */
  stamps: readonly Stamp[] | null;
  isDescribing: boolean;
  /** What a look has found to be different. */
  changed: string | null;
  broken: { readonly count: number; readonly retryAt: number } | null;
  isMissing: boolean;
};

export class ServedFiles {
  readonly #deps: Deps;
  readonly #folders: readonly PipelineFolder[];
  readonly #named: readonly Named[];
  readonly #known = new Map<string, Known>();
  readonly #limit: ConcurrencyLimit;
  #timer: Timer | undefined;
  #lookAt = Number.POSITIVE_INFINITY;
  #isEnded = false;

  constructor(targets: readonly Target[], deps: Deps) {
    this.#deps = deps;
    this.#folders = targets.flatMap((target) =>
      target.kind === "folder" ? [new PipelineFolder(target.path)] : [],
    );
    this.#named = targets.flatMap((target) => (target.kind === "file" ? [target.named] : []));
    this.#limit = new ConcurrencyLimit(deps.maxChildren);
  }

  /** How many files there are, and how many of them have not been described yet. */
  get counts(): { readonly files: number; readonly open: number } {
    const known = [...this.#known.values()];
    const open = known.filter(({ stamps }) => stamps === null);
    return { files: filesOf(known).size, open: filesOf(open).size };
  }

  /** Something may have changed: looks soon, once for many calls. */
  lookSoon(): void {
    this.#setTimer(settledMs);
  }

  look(): void {
    this.#lookAt = Number.POSITIVE_INFINITY;
    this.#setTimer(lookMs);
    const stampOf = rememberedStamps();
    const found = this.#find(stampOf);
    for (const [key, known] of this.#known) if (!found.has(key)) this.#missing(key, known);
    for (const [key, named] of found) {
      const known = this.#known.get(key);
      if (known === undefined) this.#describe(key, newFile(named));
      else this.#compare(key, known, stampOf);
    }
    this.#deps.watch(this.#watched());
  }

  end(): void {
    this.#isEnded = true;
    this.#deps.clock.cancel(this.#timer);
  }

  /** A file that was named is that, also if a folder has it. A named one that is gone may come back. */
  #find(stampOf: StampOf): Map<string, Named> {
    const inFolders = this.#folders
      .flatMap((folder) => folder.look(stampOf))
      .map((file): Named => ({ file, exportName: null, isNamed: false }));
    const named = this.#named.filter(({ file }) => stampOf(file) !== null);
    return new Map([...inFolders, ...named].map((each) => [keyOf(each), each]));
  }

  /** An editor that replaces a file takes it away for a moment. */
  #missing(key: string, known: Known): void {
    if (known.isDescribing) return;
    if (!known.isMissing) {
      known.isMissing = true;
      this.lookSoon();
      return;
    }
    this.#remove(key, known);
  }

  #remove(key: string, known: Known): void {
    this.#known.delete(key);
    this.#deps.onRemoved(known.named);
  }

  /** Before the file that it was renamed to is served: two files would have its pipeline for a moment. */
  #removeMissing(): void {
    for (const [key, known] of this.#known) {
      if (known.isMissing && !known.isDescribing && fileStamp(known.named.file) === null) {
        this.#remove(key, known);
      }
    }
  }

  #compare(key: string, known: Known, stampOf: StampOf): void {
    known.isMissing = false;
    if (known.isDescribing || known.stamps === null) return;
    if (known.stamps.every(({ path, stamp }) => stampOf(path) === stamp)) {
      known.changed = null;
      const retryAt = known.broken?.retryAt ?? Number.POSITIVE_INFINITY;
      if (retryAt <= this.#deps.clock.wall()) this.#describe(key, known);
      return;
    }
    const text = known.stamps.map(({ path }) => `${path} ${stampOf(path)}`).join("\n");
    if (text === known.changed) this.#describe(key, known);
    else {
      known.changed = text;
      this.lookSoon();
    }
  }

  #describe(key: string, known: Known): void {
    this.#known.set(key, known);
    known.isDescribing = true;
    known.changed = null;
    void this.#describeNow(known);
  }

  async #describeNow(known: Known): Promise<void> {
    const { file } = known.named;
    const before = [{ path: file, stamp: fileStamp(file) }];
    const since = this.#deps.clock.wall();
    const { stamps, result } = await this.#limit.run(() => this.#deps.describe(known.named));
    known.isDescribing = false;
    known.stamps = stamps.length > 0 ? stamps : before;
    known.broken = result.kind === "broken" ? this.#retry(known.broken) : null;
    if (this.#isEnded) return;
    this.#removeMissing();
    this.#deps.onDescribed(known.named, result, since);
    // It may have changed meanwhile, and what it imports is watched from now on.
    this.lookSoon();
  }

  #retry(before: Known["broken"]): NonNullable<Known["broken"]> {
    const count = (before?.count ?? 0) + 1;
    const pauseMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (count - 1));
    return { count, retryAt: this.#deps.clock.wall() + pauseMs };
  }

  #watched(): string[] {
    const files = [...this.#known.values()].flatMap(({ named, stamps }) => [
      named.file,
      ...(stamps ?? []).flatMap(({ path, stamp }) => (stamp === null ? [] : [path])),
    ]);
    const named = this.#named.map(({ file }) => file);
    const folders = this.#folders.flatMap((folder) => folder.folders);
    return [...new Set([...folders, ...[...files, ...named].map(folderOf)])];
  }

  #setTimer(delayMs: number): void {
    const { clock } = this.#deps;
    const at = clock.wall() + delayMs;
    if (this.#isEnded || at >= this.#lookAt) return;
    clock.cancel(this.#timer);
    this.#lookAt = at;
    this.#timer = clock.after(delayMs, () => this.look());
  }
}

/** Several exports of a file may be known. */
const filesOf = (known: readonly Known[]): ReadonlySet<string> =>
  new Set(known.map(({ named }) => named.file));

const newFile = (named: Named): Known => ({
  named,
  stamps: null,
  isDescribing: false,
  changed: null,
  broken: null,
  isMissing: false,
});

const keyOf = ({ file, exportName }: Named): string => argumentOf(file, exportName);

const folderOf = (path: string): string => path.replace(/[/\\][^/\\]*$/, "") || "/";

/** Looks at each path once in a look of all: a folder has the files that are compared, and those import the same ones. */
function rememberedStamps(): StampOf {
  const stamps = new Map<string, string | null>();
  return (path) => {
    const known = stamps.get(path);
    if (known !== undefined) return known;
    const stamp = fileStamp(path);
    stamps.set(path, stamp);
    return stamp;
  };
}
