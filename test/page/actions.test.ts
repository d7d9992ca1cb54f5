// What the page starts: real children, of a pipeline in a folder of its own.

import type { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";

import type {
  FormView,
  JobBrief,
  JobsView,
  JobView,
  RunAnswer,
  StartView,
} from "../../src/page/contract-actions.ts";
import { Forms } from "../../src/page/actions/forms.ts";
import { tempFolder } from "../store/write/temp-folder.ts";
import { type PageRig, pageRig } from "./page-rig.ts";

const folder = tempFolder();
afterAll(() => folder[Symbol.dispose]());

const text = `
import { each, pipeline, task } from "pipeloom";
console.log("printed at the top level");
const odd = task({ name: "odd", run: ({ n }: { n: number }, ctx) => {
  if (n % 2 === 0 && !(process.env["MENDED"] ?? "").includes("yes") && !ctx.params.mended) throw new Error("even: " + n);
  ctx.log.info("token " + (ctx.params.token === "s3cret" ? "given" : "none"));
  return n;
} });
export const named = pipeline({
  name: "numbers",
  params: {
    // How many numbers.
    limit: 3,
    mended: false,
    token: "",
    days: ["mon"],
    until: undefined,
  },
  tasks: ({ params }) => each(Array.from({ length: params.limit }, (_, n) => n + 1), (n) => odd({ n })),
});
`;
const file = folder.file("numbers.ts");
await Bun.write(file, text);

const addRun = (db: Database, row: { file: string | null; trigger?: string; params?: string }) =>
  db.run(
    `INSERT INTO pipeline_runs (pipeline, file, params, status, started_at, finished_at, tasks_total, trigger)
      VALUES ('numbers', ?, ?, 'done', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:02.000Z', 0, ?)`,
    [row.file, row.params ?? "{}", row.trigger ?? "cli"],
  );

async function ended(rig: PageRig, response: Response): Promise<JobView> {
  expect(response.status).toBe(200);
  const answer = (await response.json()) as JobBrief | RunAnswer;
  if ("type" in answer && answer.type === "refused") throw new Error(JSON.stringify(answer));
  const { id } = "type" in answer ? answer.job : answer;
  await rig.database.jobs.get(id)?.finished;
  return rig.data<JobView>(`/data/jobs/${id}`);
}

test("a run with params of the form, then its failed tasks again, then one of them", async () => {
  const earlier = '{"limit":7,"token":"a secret","days":["***"]}';
  await using rig = await pageRig((db) => addRun(db, { file, params: earlier }));
  const form = (await (await rig.post("/actions/runs/1/form", {})).json()) as FormView;
  expect(form.isOpen).toBe(false);
  expect(
    form.fields.map(({ name, kind, fallback, isSecret }) => [name, kind, fallback, isSecret]),
  ).toEqual([
    ["limit", "number", "3", false],
    ["mended", "boolean", "false", false],
    ["token", "text", null, true],
    ["days", "json", '["mon"]', false],
    ["until", "any", null, false],
  ]);
  expect(form.fields[0]?.description).toBe("How many numbers.");
  expect(form.used).toEqual({ limit: 7 });

  const params = { limit: "4", token: '"s3cret"' };
  const run = await ended(rig, await rig.post("/actions/runs/1/run", { params, isFresh: true }));
  expect(run.job).toMatchObject({ title: "Run numbers", run: 2, ended: { code: 1, signal: null } });
  // The export is named, and neither the command nor the page shows the secret.
  expect(run.job.command).toBe(
    `echo '{"limit":4,"token":"***"}' | pipeloom run ${file}:named --db ${rig.db} --fresh --params -`,
  );
  expect(run.output).toContain("even: 2");
  expect(Bun.stripANSI(run.output)).toContain(" --params - --db ");
  expect(run.output).toContain("token given");
  const { runs } = await rig.data<{ runs: { id: number; trigger: string }[] }>("/data/runs");
  expect(runs[0]).toMatchObject({ id: 2, trigger: "page" });
  expect(JSON.stringify(runs)).not.toContain("s3cret");

  const failed = await ended(
    rig,
    await rig.post("/actions/runs/2/rerun", { task: null, isDownstream: false }),
  );
  expect(failed.job).toMatchObject({ run: 2, ended: { code: 1 } });
  expect(failed.output).toContain("even: 4");
  expect(failed.output).not.toContain("n=1");
  const one = await ended(
    rig,
    await rig.post("/actions/runs/2/rerun", { task: 1, isDownstream: true }),
  );
  expect(one.job.command).toContain("--rerun '#1' --downstream --resume 2");
  expect(one.job.ended?.code).toBe(1);

  const resumed = await ended(rig, await rig.post("/actions/runs/2/resume", {}));
  expect(resumed.job.command).toContain("--resume 2");
  expect(resumed.job.run).toBe(2);
  const { jobs } = await rig.data<JobsView>("/data/jobs");
  expect(jobs.map(({ id }) => id)).toEqual([4, 3, 2, 1]);
  const rest = await rig.data<JobView>(`/data/jobs/1?from=${run.next}`);
  expect(rest).toMatchObject({ output: "", from: run.next });
}, 60_000);

test("a child gets neither what is for the server alone nor what the page tells pipeloom", async () => {
  const env = folder.file("env.ts");
  await Bun.write(
    env,
    `import { pipeline, task } from "pipeloom";
    const seen = () => Object.keys(process.env).filter((name) => /^PIPELOOM_(UI|ME|WE|TR|FO)|^NO_COLOR/.test(name)).join();
    const top = seen();
    const t = task({ name: "t", run: (_, ctx) => ctx.log.info("seen: [" + top + "][" + seen() + "]") });
    export default pipeline({ name: "numbers", tasks: () => t() });`,
  );
  const given = ["PIPELOOM_UI_TOKEN", "PIPELOOM_METRICS_TOKEN", "PIPELOOM_WEBHOOK", "NO_COLOR"];
  for (const name of given) process.env[name] = "a".repeat(28);
  try {
    await using rig = await pageRig((db) => addRun(db, { file: env }));
    const started = await rig.post("/actions/runs/1/run", { params: {}, isFresh: false });
    const { output } = await ended(rig, started);
    expect(output).toContain("seen: [][]");
    // With colours.
    expect(output).toContain("\x1b[");
  } finally {
    for (const name of given) delete process.env[name];
  }
}, 30_000);

test("a run that is over cannot be cancelled, and the child says so", async () => {
  await using rig = await pageRig((db) => addRun(db, { file }));
  const { job, output } = await ended(
    rig,
    await rig.post("/actions/runs/1/cancel", { isNow: true }),
  );
  expect(job.command).toBe(`pipeloom cancel 1 --db ${rig.db} --now`);
  expect(job.ended?.code).toBe(1);
  expect(output).toContain("run 1 (numbers) has ended: done");
}, 30_000);

test("a program that hangs is interrupted", async () => {
  const hangs = folder.file("hangs.ts");
  await Bun.write(
    hangs,
    text
      .replace("return n;", "await new Promise(() => setInterval(() => {}, 1e6)); return n;")
      .replace("run: (", "run: async ("),
  );
  await using rig = await pageRig((db) => addRun(db, { file: hangs }));
  const started = await rig.post("/actions/runs/1/run", { params: { limit: "1" }, isFresh: false });
  const answer = (await started.json()) as RunAnswer;
  const id = answer.type === "started" ? answer.job.id : 0;
  const job = rig.database.jobs.get(id);
  await outputHas(rig, id, "token none");
  expect((await rig.data<JobView>(`/data/jobs/${id}`)).job).toMatchObject({ ended: null, run: 2 });
  await rig.post(`/actions/jobs/${id}/interrupt`, {});
  await outputHas(rig, id, "top");
  await rig.post(`/actions/jobs/${id}/interrupt`, {});
  await job?.finished;
  expect(job?.ended).toMatchObject({ code: 130 });
}, 60_000);

async function outputHas(rig: PageRig, id: number, wanted: string): Promise<void> {
  for (let output = ""; !output.includes(wanted); await Bun.sleep(20)) {
    const view = await rig.data<JobView>(`/data/jobs/${id}`);
    output = view.output;
    if (view.job.ended !== null) throw new Error(`it ended: ${output}`);
  }
}

test("the run of an engine runs again with this engine", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, { file });
    db.run("UPDATE pipeline_runs SET engine = 'redis://127.0.0.1:1'");
  });
  const body = { params: {}, task: null, isDownstream: false };
  for (const action of ["run", "rerun", "resume"]) {
    const { job, output } = await ended(rig, await rig.post(`/actions/runs/1/${action}`, body));
    expect(job.command).toStartWith(
      `pipeloom run ${file}:named --db ${rig.db} --engine redis://127.0.0.1:1`,
    );
    expect(job.ended?.code).toBe(1);
    expect(output).toContain("PIPELOOM_ENGINE_KEY is not set");
  }
}, 60_000);

test("what cannot be started is said, with the next step", async () => {
  await using rig = await pageRig((db) => {
    addRun(db, { file: null });
    addRun(db, { file: `${file}.gone` });
    addRun(db, { file, trigger: "library" });
    addRun(db, { file: "--help" });
    addRun(db, { file });
  });
  const problems = await Promise.all(
    [1, 2, 3, 4, 5].map((id) => rig.data<StartView>(`/data/runs/${id}/start`)),
  );
  expect(problems.map(({ problem }) => problem?.slice(0, 20))).toEqual([
    "the pipeline numbers",
    "the file of run 2 is",
    "a program started ru",
    "the pipeline numbers",
    undefined,
  ]);
  expect(problems[4]).toEqual({ file, problem: null, next: null });
  for (const id of [1, 2, 3, 4]) {
    for (const action of ["form", "run", "rerun", "resume"]) {
      const response = await rig.post(`/actions/runs/${id}/${action}`, { params: {}, task: null });
      expect([id, action, response.status]).toEqual([id, action, 409]);
    }
  }
  expect(rig.database.jobs.newestFirst).toEqual([]);
});

test("params that the pipeline refuses are told by their names, and start nothing", async () => {
  await using rig = await pageRig((db) => addRun(db, { file }));
  const problemsOf = async (params: object): Promise<unknown> =>
    (await rig.post("/actions/runs/1/run", { params, isFresh: false })).json();
  expect(await problemsOf({ limit: '"many"' })).toEqual({
    type: "refused",
    problems: [{ name: "limit", message: 'must be a number, not "many"' }],
  });
  // The CLI refuses these too: the run would have other params than those that were typed.
  expect(
    await problemsOf({ limit: "9007199254740993", days: '[1, {"a": 1, "a": 2}]', token: "[1" }),
  ).toEqual({
    type: "refused",
    problems: [
      { name: "limit", message: expect.stringContaining("would become 9007199254740992") },
      { name: "days", message: "[1].a: is given twice; keep one of them" },
      { name: "token", message: 'must be JSON, such as [1, 2] or {"a": 1}' },
    ],
  });
  expect(await problemsOf({ other: "1" })).toEqual({
    type: "refused",
    problems: [
      {
        name: null,
        message: 'unknown parameter "other"; known: limit, mended, token, days, until',
      },
    ],
  });
  expect(rig.database.jobs.newestFirst).toEqual([]);
}, 30_000);

test("wrong questions start nothing", async () => {
  await using rig = await pageRig((db) => addRun(db, { file }));
  const statusOf = async (path: string, body: unknown): Promise<number> =>
    (await rig.post(path, body)).status;
  expect(await statusOf("/actions/runs/1/run", { params: [1] })).toBe(400);
  expect(await statusOf("/actions/runs/1/run", { params: { limit: 1 } })).toBe(400);
  expect(await statusOf("/actions/runs/1/run", { params: "--version" })).toBe(400);
  expect(await statusOf("/actions/runs/1/rerun", { task: "odd" })).toBe(400);
  expect(await statusOf("/actions/runs/1/rerun", {})).toBe(400);
  expect(await statusOf("/actions/runs/9/resume", {})).toBe(404);
  expect(await statusOf("/actions/jobs/1/interrupt", {})).toBe(404);
  expect(rig.database.jobs.newestFirst).toEqual([]);
});

test("a page that only shows starts nothing", async () => {
  await using rig = await pageRig((db) => addRun(db, { file }), true);
  for (const path of [
    "runs/1/form",
    "runs/1/run",
    "runs/1/rerun",
    "runs/1/resume",
    "runs/1/cancel",
  ]) {
    const response = await rig.post(`/actions/${path}`, { params: {}, task: null });
    expect([path, response.status]).toEqual([path, 403]);
  }
  expect(rig.database.jobs.newestFirst).toEqual([]);
});

test("params that hide a secret are left out: the pipeline's own default gives it again", async () => {
  await using rig = await pageRig((db) =>
    addRun(db, { file, params: '{"limit":1,"token":"a ***"}' }),
  );
  const { job } = await ended(rig, await rig.post("/actions/runs/1/resume", {}));
  expect(job.command).toStartWith(`echo '{"limit":1}' | `);
}, 30_000);

const withSchema = (transform: string): string => `
  import { pipeline, task } from "pipeloom";
  const t = task({ name: "t", run: (_, ctx) => { if (!process.env["MENDED"]) throw new Error("n is " + typeof ctx.params.n); } });
  const validate = (value) => typeof value.n === "string"
    ? { value: { n: ${transform} } }
    : { issues: [{ message: "must be text", path: ["n"] }] };
  export default pipeline({
    name: "numbers",
    params: { "~standard": { version: 1, vendor: "test", validate } },
    tasks: () => t(),
  });`;

test("a run goes on with the params that it has used, also where a schema has made them of others", async () => {
  const schema = folder.file("schema.ts");
  await Bun.write(schema, withSchema("Number(value.n)"));
  await using rig = await pageRig((db) => addRun(db, { file: schema }));
  const params = { n: '"5"' };
  const first = await ended(rig, await rig.post("/actions/runs/1/run", { params, isFresh: true }));
  expect(first.output).toContain("n is number");
  const again = await ended(rig, await rig.post("/actions/runs/2/rerun", { task: null }));
  expect(again.job).toMatchObject({ run: 2, ended: { code: 1 } });
  expect(again.job.command).toStartWith(`echo '{"n":"5"}' | `);
  expect(again.output).toContain("n is number");
  await Bun.write(schema, withSchema("Number(value.n) + 1"));
  const refused = await rig.post("/actions/runs/2/resume", {});
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({
    problem: expect.stringContaining("the params of run 2 cannot be given again"),
  });
}, 30_000);

test("a file that does not load, one without the pipeline, and one that takes too long", async () => {
  const broken = folder.file("broken.ts");
  await Bun.write(broken, "export default 1 +");
  const other = folder.file("other.ts");
  await Bun.write(other, text.replace('"numbers"', '"others"'));
  const slow = folder.file("slow.ts");
  await Bun.write(slow, `await new Promise(() => setInterval(() => {}, 1e6));`);
  await using rig = await pageRig((db) => {
    addRun(db, { file: broken });
    addRun(db, { file: other });
  });
  const problemOf = async (id: number): Promise<string> =>
    ((await (await rig.post(`/actions/runs/${id}/form`, {})).json()) as { problem: string })
      .problem;
  expect(await problemOf(1)).toStartWith("broken.ts");
  expect(await problemOf(2)).toContain('does not export the pipeline "numbers"');
  const forms = new Forms([process.execPath], 50);
  const run = { id: 1, pipeline: "numbers", file: slow, params: {}, engine: null };
  expect(forms.describe(run)).rejects.toThrow("is not loaded after 0.05 s");
}, 30_000);
