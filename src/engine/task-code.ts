// The fingerprints of the tasks' code, for the writer.

import { toFailure } from "../base/failure.ts";
import { Promise } from "../base/globals.ts";
import type { Mask } from "../protocol/mask.ts";
import type { Fingerprints } from "../module/fingerprints.ts";
import type { FoundParts } from "../module/task-parts.ts";
import type { ToWriter } from "../protocol/messages.ts";
import type { Rerun } from "../protocol/reruns.ts";
import type { KnownParts, SessionCode } from "../protocol/reuse.ts";
import { coarseNotice, missingFilesNotice, unseenNotice } from "./notices.ts";
import { storedName } from "./opening.ts";
import type { RunOptions } from "./run-options.ts";

type CodeMessage = Extract<ToWriter, { type: "code" }>;

type TaskCodeDeps = CodeSource & {
  readonly mask: Mask | undefined;
  readonly print: RunOptions["onOutput"];
  post(message: CodeMessage | Extract<ToWriter, { type: "sources" }>): void;
  /** The writer has the code. */
  sent(): void;
};

export class TaskCode {
  readonly #deps: TaskCodeDeps;
  /** Why some tasks count as changed by any edit of the file. */
  #coarse: string | undefined;
  /** Tasks that may load code which no fingerprint covers. */
  #unseen: readonly string[] = [];
  #parts: FoundParts | undefined;
  #sources: Fingerprints["sources"] | undefined;
  readonly #complete = Promise.withResolvers<void>();
  /** Resolves when the writer has what it has asked for. In a short run, that is after the last task. */
  sent: Promise<void> = Promise.resolve();

  constructor(deps: TaskCodeDeps) {
    this.#deps = deps;
  }

  /** The writer asks for the fingerprints. */
  send(known: readonly KnownParts[]): void {
    this.sent = this.#complete.promise;
    void this.#send(known);
  }

  /** The writer says which code it does not have yet. */
  sendSources(fingerprints: readonly string[]): void {
    const sources = this.#sources;
    // It holds the whole code of the module.
    this.#sources = undefined;
    if (sources === undefined || fingerprints.length === 0) this.#complete.resolve();
    else void this.#sendSources(sources, new Set(fingerprints)).then(this.#complete.resolve);
  }

  async #sendSources(sources: Fingerprints["sources"], wanted: ReadonlySet<string>): Promise<void> {
    try {
      const found = await sources(wanted);
      const packed = Array.from(
        found,
        ([fingerprint, text]) => [fingerprint, Bun.gzipSync(text)] as const,
      );
      this.#deps.post({ type: "sources", sources: packed });
    } catch {
      // The changes of this code cannot be shown.
    }
  }

  async #send(known: readonly KnownParts[]): Promise<void> {
    this.#deps.post(await this.#read(known));
    this.#deps.sent();
  }

  /** A task without a fingerprint counts as changed by any edit, and no later run takes its result. */
  async #read(known: readonly KnownParts[]): Promise<CodeMessage> {
    try {
      const found = await readCode(this.#deps, this.#deps.mask, known);
      this.#coarse = found?.fingerprints.coarse;
      this.#unseen = found?.fingerprints.unseen ?? [];
      this.#parts = found?.parts;
      this.#sources = found?.fingerprints.sources;
      const { code = new Map<string, string>(), parts = [] } = found?.session ?? {};
      for (const notice of missingFiles(parts)) this.#deps.print("warn", notice);
      return { type: "code", code: [...code], parts };
    } catch (thrown) {
      this.#coarse = toFailure(thrown).message;
      return { type: "code", code: [], parts: [] };
    }
  }

  /** Definitions whose files have changed since the session began: it is not known which content their tasks have read. */
  async changedFiles(): Promise<readonly string[]> {
    try {
      return (await this.#parts?.changed()) ?? [];
    } catch {
      return (this.#parts?.parts ?? []).map(({ task }) => task);
    }
  }

  /** Says why tasks run again that were perhaps not edited, or else which edits are not seen. */
  explain(reruns: readonly Rerun[], print: RunOptions["onOutput"]): void {
    if (this.#coarse !== undefined && reruns.some(({ reason }) => reason === "code")) {
      print("info", coarseNotice(this.#coarse));
    } else if (this.#unseen.length > 0) print("info", unseenNotice(this.#unseen));
  }
}

type CodeSource = Pick<RunOptions, "fingerprints" | "parts" | "definitions" | "params">;

type FoundCode = {
  readonly fingerprints: Fingerprints;
  readonly parts: FoundParts | undefined;
  readonly session: SessionCode;
};

/** Undefined where the code cannot be known. */
async function readCode(
  { fingerprints, parts, definitions = [], params }: CodeSource,
  mask: Mask | undefined,
  known: readonly KnownParts[],
): Promise<FoundCode | undefined> {
  const found = await fingerprints?.();
  if (found === undefined) return undefined;
  const tasks = new Map(definitions.map((each) => [storedName(each.name, mask), each]));
  const foundParts = await parts?.(found, { tasks, params, known });
  const code = new Map(
    Array.from(found.byTask, ([name, hash]) => [storedName(name, mask), hash] as const),
  );
  const session = { code, parts: foundParts?.parts ?? [] };
  return { fingerprints: found, parts: foundParts, session };
}

export const missingFiles = (parts: SessionCode["parts"]): readonly string[] =>
  parts.flatMap(({ task, parts: { files = [] } }) => {
    const missing = files.filter(({ hash }) => hash === null).map(({ path }) => path);
    return missing.length === 0 ? [] : [missingFilesNotice(task, missing)];
  });

/** @param known of earlier runs */
export const sessionCode = async (
  source: CodeSource,
  mask: Mask | undefined,
  known: readonly KnownParts[],
): Promise<SessionCode | undefined> => (await readCode(source, mask, known))?.session;
