// The fingerprints of the tasks' code, for the writer.

import { toFailure } from "../base/failure.ts";
import { Promise } from "../base/globals.ts";
import type { Mask } from "../protocol/mask.ts";
import type { ToWriter } from "../protocol/messages.ts";
import type { Rerun } from "../protocol/reruns.ts";
import { coarseNotice, unseenNotice } from "./notices.ts";
import { storedName } from "./opening.ts";
import type { RunOptions } from "./run-options.ts";

type CodeMessage = Extract<ToWriter, { type: "code" }>;

type TaskCodeDeps = {
  readonly fingerprints: RunOptions["fingerprints"];
  readonly mask: Mask | undefined;
  post(message: CodeMessage): void;
};

export class TaskCode {
  readonly #deps: TaskCodeDeps;
  /** Why some tasks count as changed by any edit of the file. */
  #coarse: string | undefined;
  /** Tasks that may load code which no fingerprint covers. */
  #unseen: readonly string[] = [];
  /** Resolves when the writer has what it has asked for. In a short run, that is after the last task. */
  sent: Promise<void> = Promise.resolve();

  constructor(deps: TaskCodeDeps) {
    this.#deps = deps;
  }

  /** The writer asks for the fingerprints. */
  send(): void {
    this.sent = this.#read().then((code) => this.#deps.post({ type: "code", code }));
  }

  /** A task without a fingerprint counts as changed by any edit. */
  async #read(): Promise<CodeMessage["code"]> {
    try {
      const found = await this.#deps.fingerprints?.();
      this.#coarse = found?.coarse;
      this.#unseen = found?.unseen ?? [];
      const { mask } = this.#deps;
      return Array.from(found?.byTask ?? [], ([name, hash]) => [storedName(name, mask), hash]);
    } catch (thrown) {
      this.#coarse = toFailure(thrown).message;
      return [];
    }
  }

  /** Says why tasks run again that were perhaps not edited, or else which edits are not seen. */
  explain(reruns: readonly Rerun[], print: RunOptions["onOutput"]): void {
    if (this.#coarse !== undefined && reruns.some(({ reason }) => reason === "code")) {
      print("info", coarseNotice(this.#coarse));
    } else if (this.#unseen.length > 0) print("info", unseenNotice(this.#unseen));
  }
}
