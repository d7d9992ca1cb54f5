// The form of a pipeline. To know its params, its file must be loaded, which runs the user's code: in a child, that has some seconds.

import { dirname } from "node:path";

import { ConcurrencyLimit } from "../../base/concurrency-limit.ts";
import { systemClock } from "../../base/clock.ts";
import { Buffer, JSON, Promise } from "../../base/globals.ts";
import { lastError } from "../../base/last-error.ts";
import { withoutEngineSecrets } from "../../protocol/engine-secrets.ts";
import { formVariable } from "../../protocol/page-variables.ts";
import { Refused } from "../asked.ts";
import type { FormView, ParamProblem } from "../contract-actions.ts";
import { childEnv } from "./jobs.ts";
import type { Startable } from "./startable.ts";

const maxLoadMs = 15_000;
/** Each loads the user's code in a process of its own. */
const maxAtOnce = 4;
const maxOutput = 4_000_000;

/** What the child prints. */
export type DescribedForm = Omit<FormView, "used"> & {
  /** Of the params that are to be checked. */
  readonly problems: readonly ParamProblem[];
  /**
   * What gives exactly these params, if they are those that a run has used: a schema may have made them of others. Null: nothing does,
   * as far as it is known.
   */
  readonly repeated: Startable["params"] | null;
  /** The name under which the file exports the pipeline. */
  readonly exportedAs: string;
};

export class Forms {
  readonly #own: readonly string[];
  readonly #maxLoadMs: number;
  readonly #limit = new ConcurrencyLimit(maxAtOnce);

  /** @param own the words that start pipeloom */
  constructor(own: readonly string[], loadMs = maxLoadMs) {
    this.#own = own;
    this.#maxLoadMs = loadMs;
  }

  /**
   * @param params are checked by the pipeline: see `DescribedForm.problems`
   * @throws Refused where the file cannot be loaded, with its error
   */
  describe(run: Startable, params?: Startable["params"]): Promise<DescribedForm> {
    return this.#limit.run(() => this.#describe(run, params));
  }

  async #describe(
    { file, pipeline }: Startable,
    params: Startable["params"] | undefined,
  ): Promise<DescribedForm> {
    const check = params === undefined ? [] : ["--params", "-"];
    const child = Bun.spawn([...this.#own, "run", file, ...check], {
      cwd: dirname(file),
      env: { ...withoutEngineSecrets(childEnv()), NO_COLOR: "1", [formVariable]: pipeline },
      stdin: params === undefined ? "ignore" : Buffer.from(JSON.stringify(params)),
      stdout: "pipe",
      stderr: "pipe",
      maxBuffer: maxOutput,
    });
    let isLate = false;
    const timer = systemClock.after(this.#maxLoadMs, () => {
      isLate = true;
      child.kill("SIGKILL");
    });
    const [out, error] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    const code = await child.exited;
    systemClock.cancel(timer);
    if (isLate) {
      throw new Refused(
        409,
        `${file} is not loaded after ${this.#maxLoadMs / 1000} s`,
        "does it await something at its top level?",
      );
    }
    const form = code === 0 ? formIn(out) : undefined;
    if (form !== undefined) return form;
    throw new Refused(409, lastError(error) ?? (error.trim() || `${file} cannot be loaded`));
  }
}

/** The last line: user code may have printed others. */
function formIn(output: string): DescribedForm | undefined {
  try {
    const line = output.trimEnd().split("\n").at(-1) ?? "";
    const form = JSON.parse(line) as Partial<DescribedForm>;
    return Array.isArray(form.fields) && typeof form.exportedAs === "string"
      ? (form as DescribedForm)
      : undefined;
  } catch {
    return undefined;
  }
}
