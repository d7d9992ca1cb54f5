// What the page can start, each as a `pipeloom` process. From the wire come ids and values; what is started is what the row of a run
// names. Nothing goes through a shell, and params go through standard input: a command line can be read by others.

import { dirname } from "node:path";

import { AlteredJsonError, parseExactJson } from "../../base/exact-json.ts";
import { JSON } from "../../base/globals.ts";
import { engineWords } from "../../protocol/engine-url.ts";
import { isStoredId } from "../../protocol/ids.ts";
import { hideSecrets } from "../../base/secret-name.ts";
import { type Asked, memberOf, Refused } from "../asked.ts";
import type {
  FormView,
  JobBrief,
  ParamProblem,
  RunAnswer,
  StartView,
} from "../contract-actions.ts";
import type { PageDatabase } from "../page-database.ts";
import type { DescribedForm } from "./forms.ts";
import { type Startable, startableRun } from "./startable.ts";

/** `/data/runs/#/start` */
export function startView(database: PageDatabase, { ids }: Asked): StartView {
  try {
    const { file } = startableRun(database.reader, ids[0] ?? 0);
    return { file, problem: null, next: null };
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    return { file: null, problem: thrown.message, next: thrown.next ?? null };
  }
}

const isShown = ([name, value]: readonly [string, unknown]): boolean =>
  Bun.deepEquals(hideSecrets({ [name]: value }), { [name]: value });

export async function formView(database: PageDatabase, { ids }: Asked): Promise<FormView> {
  const run = startableRun(database.reader, ids[0] ?? 0);
  const { fields, isOpen } = await database.forms.describe(run);
  return { fields, isOpen, used: Object.fromEntries(Object.entries(run.params).filter(isShown)) };
}

export async function startRun(database: PageDatabase, { ids, body }: Asked): Promise<RunAnswer> {
  const run = startableRun(database.reader, ids[0] ?? 0);
  const { params, wrong } = paramsIn(memberOf(body, "params"));
  if (wrong.length > 0) return { type: "refused", problems: wrong };
  const form = await database.forms.describe(run, params);
  const { problems } = form;
  if (problems.length > 0) return { type: "refused", problems };
  const job = begin(database, run, form, {
    title: `Run ${run.pipeline}`,
    flags: memberOf(body, "isFresh") === true ? ["--fresh"] : [],
    params,
  });
  return { type: "started", job };
}

/** @returns also what is no JSON, or would become another value */
function paramsIn(texts: unknown): {
  readonly params: Startable["params"];
  readonly wrong: readonly ParamProblem[];
} {
  if (typeof texts !== "object" || texts === null || Array.isArray(texts)) {
    throw new Refused(400, "params must be an object");
  }
  const params = new Map<string, unknown>();
  const wrong: ParamProblem[] = [];
  for (const [name, text] of Object.entries(texts) as [string, unknown][]) {
    if (typeof text !== "string") throw new Refused(400, "params must be JSON texts");
    try {
      params.set(name, parseExactJson(text));
    } catch (thrown) {
      wrong.push({ name, message: jsonProblem(thrown) });
    }
  }
  return { params: Object.fromEntries(params), wrong };
}

function jsonProblem(thrown: unknown): string {
  if (!(thrown instanceof AlteredJsonError)) return 'must be JSON, such as [1, 2] or {"a": 1}';
  const { path, message } = thrown;
  return path === "" ? message : `${path}: ${message}`;
}

export async function rerunTasks(database: PageDatabase, { ids, body }: Asked): Promise<JobBrief> {
  const run = startableRun(database.reader, ids[0] ?? 0);
  const task = memberOf(body, "task");
  if (task !== null && !isStoredId(task)) throw new Refused(400, "task must be an id, or null");
  const downstream = memberOf(body, "isDownstream") === true ? ["--downstream"] : [];
  return goOn(database, run, {
    title:
      task === null
        ? `Rerun the failed tasks of run ${run.id}`
        : `Rerun task ${task} of run ${run.id}`,
    flags: [
      "--rerun",
      task === null ? "failed" : `#${task}`,
      ...downstream,
      "--resume",
      `${run.id}`,
    ],
  });
}

export async function resumeRun(database: PageDatabase, { ids }: Asked): Promise<JobBrief> {
  const run = startableRun(database.reader, ids[0] ?? 0);
  return goOn(database, run, {
    title: `Resume run ${run.id}`,
    flags: ["--resume", `${run.id}`],
  });
}

export function cancelRun(database: PageDatabase, { ids, body }: Asked): JobBrief {
  const run = ids[0] ?? 0;
  const now = memberOf(body, "isNow") === true ? ["--now"] : [];
  const job = database.jobs.start({
    title: `Cancel run ${run}`,
    words: ["cancel", String(run), "--db", database.path, ...now],
    cwd: dirname(database.path),
    run,
    database,
  });
  return database.jobs.briefOf(job);
}

/** In a new session of the run, which is told from others by its params. @throws Refused */
async function goOn(
  database: PageDatabase,
  run: Startable,
  begun: Pick<Begun, "title" | "flags">,
): Promise<JobBrief> {
  const form = await database.forms.describe(run, run.params);
  if (form.repeated !== null) {
    return begin(database, run, form, { ...begun, params: form.repeated, run: run.id });
  }
  throw new Refused(
    409,
    `the params of run ${run.id} cannot be given again: the pipeline does not take them any more, or its schema makes them of others`,
    "begin a new run, with the params of the form",
  );
}

type Begun = {
  readonly title: string;
  readonly flags: readonly string[];
  readonly params: Readonly<Record<string, unknown>>;
  readonly run?: number;
};

function begin(
  database: PageDatabase,
  run: Startable,
  { exportedAs, fields }: DescribedForm,
  begun: Begun,
): JobBrief {
  const { title, flags, params } = begun;
  const file = exportedAs === "default" ? run.file : `${run.file}:${exportedAs}`;
  const secrets = fields.filter(({ isSecret }) => isSecret).map(({ name }) => name);
  const hasParams = Object.keys(params).length > 0;
  const more = hasParams ? ["--params", "-"] : [];
  const job = database.jobs.start({
    title,
    // A password of the engine is not stored: this process has it in PIPELOOM_ENGINE_PASSWORD, or the run says that it is missing.
    words: ["run", file, "--db", database.path, ...engineWords(run.engine), ...flags, ...more],
    cwd: dirname(run.file),
    params: hasParams
      ? { text: JSON.stringify(params), shown: JSON.stringify(maskedParams(params, secrets)) }
      : undefined,
    ...(begun.run === undefined ? undefined : { run: begun.run }),
    database,
  });
  return database.jobs.briefOf(job);
}

const maskedParams = (params: Begun["params"], secrets: readonly string[]): unknown =>
  hideSecrets(
    Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, secrets.includes(name) ? "***" : value]),
    ),
  );
