// A pipeline file with a place for a value in each option, input and call, and odd values for these places.

/** Each place in the file, and what is there otherwise. */
export const usual = {
  pipelineName: `"odd"`,
  params: `{ limit: 5 }`,
  schema: `"CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, value)"`,
  messages: `[handle]`,
  pools: `{ few: 2 }`,
  fewLimit: `undefined`,
  per: `undefined`,
  secrets: `[]`,
  db: `"./odd.db"`,
  tasks: `() => work`,
  total: `undefined`,
  onTaskFinish: `() => undefined`,
  onFinish: `() => undefined`,
  options: `{ name, params, schema, messages, pools: few === undefined ? pools : { few: { limit: few, per } }, secrets, db, tasks, total, onTaskFinish, onFinish }`,
  exported: `pipeline(options)`,
  taskName: `"first"`,
  run: `(input, ctx) => body(input, ctx)`,
  retries: `0`,
  limit: `undefined`,
  delay: `"1ms"`,
  factor: `undefined`,
  jitter: `undefined`,
  maxDelay: `undefined`,
  retryOn: `undefined`,
  retryAfter: `undefined`,
  timeout: `undefined`,
  pool: `"few"`,
  priority: `0`,
  optional: `false`,
  nodeName: `undefined`,
  after: `undefined`,
  nodeRetries: `undefined`,
  nodeTimeout: `undefined`,
  nodePool: `undefined`,
  nodePriority: `undefined`,
  nodeOptional: `undefined`,
  nodeOptions: `{ name: nodeName, after, retries: nodeRetries, timeout: nodeTimeout, pool: nodePool, priority: nodePriority, optional: nodeOptional }`,
  input: `{ a: 1 }`,
  result: `7`,
  thrown: `undefined`,
  table: `"rows"`,
  rows: `[{ id: 1, value: "x" }]`,
  cell: `"x"`,
  column: `"value"`,
  key: `"id"`,
  upsertOptions: `{ key }`,
  payload: `{ a: 1 }`,
  touched: `handle`,
  applied: `undefined`,
  step: `1`,
  steps: `2`,
  progressMessage: `"half"`,
  logged: `"a line"`,
  cursor: `1`,
  sql: `"SELECT 1 AS one"`,
  parameter: `undefined`,
  source: `[1, 2]`,
  item: `(n) => second({ n })`,
  secondResult: `[]`,
  messageName: `"message"`,
  program: `"true"`,
} as const;

export type Place = keyof typeof usual;
export type Odd = Partial<Record<Place, string>>;

/** Options that only count beside another one. */
const dependent = (odd: Odd): Odd => ({
  ...(["delay", "factor", "jitter", "maxDelay", "retryOn", "retryAfter"].some(
    (place) => place in odd,
  )
    ? { limit: "1" }
    : {}),
  ...("per" in odd ? { fewLimit: "1" } : {}),
});

export const source = (odd: Odd): string => {
  const v = { ...usual, ...dependent(odd), ...odd };
  return `import { each, message, pipeline, sh, task } from "pipeloom";

const thrown = () => (${v.thrown});
const handle = message(${v.messageName}, (db, payload) => (${v.applied}));
const limit = ${v.limit};
const retries = limit === undefined ? (${v.retries}) : { limit, delay: ${v.delay}, factor: ${v.factor}, jitter: ${v.jitter}, maxDelay: ${v.maxDelay}, retryOn: ${v.retryOn}, after: ${v.retryAfter} };
const body = async (input, ctx) => {
  const key = ${v.key};
  ctx.progress(${v.step}, ${v.steps}, ${v.progressMessage});
  ctx.log.info(${v.logged});
  await ctx.upsert(${v.table}, ${v.rows}, ${v.upsertOptions});
  await ctx.insert("rows", [{ [${v.column}]: ${v.cell} }]);
  await ctx.emit(${v.touched}, ${v.payload});
  await ctx.query(${v.sql}${v.parameter === usual.parameter ? "" : `, ${v.parameter}`});
  await ctx.checkpoint(${v.cursor});
  const error = thrown();
  if (error !== undefined) throw error;
  return (${v.result});
};
const second = task({ name: "second", run: () => (${v.secondResult}) });
const first = task({
  name: ${v.taskName}, run: ${v.run}, retries, timeout: ${v.timeout}, pool: ${v.pool}, priority: ${v.priority}, optional: ${v.optional},
});
const external = sh({ name: "external", command: ${v.program} });
const few = ${v.fewLimit};
const per = ${v.per};
const nodeName = ${v.nodeName}, after = ${v.after}, nodeRetries = ${v.nodeRetries}, nodeTimeout = ${v.nodeTimeout}, nodePool = ${v.nodePool}, nodePriority = ${v.nodePriority}, nodeOptional = ${v.nodeOptional};
const last = task({ name: "last", run: () => null });
const name = ${v.pipelineName}, params = ${v.params}, schema = ${v.schema}, messages = ${v.messages}, pools = ${v.pools}, secrets = ${v.secrets}, db = ${v.db};
const tasks = (() => {
  const made = () => [external(), last({ one: first(${v.input}, ${v.nodeOptions}), many: each(${v.source}, ${v.item}) })];
  return (args) => { const work = made(); const chosen = (${v.tasks}); return typeof chosen === "function" ? chosen(args) : chosen; };
})();
const total = ${v.total}, onTaskFinish = ${v.onTaskFinish}, onFinish = ${v.onFinish};
const options = ${v.options};
export default ${v.exported};
`;
};

export const oddValues = [
  "undefined",
  "null",
  "NaN",
  "Infinity",
  "-Infinity",
  "-0",
  "-1",
  "0",
  "1",
  "1.5",
  "2 ** 53",
  "1e300",
  "1n",
  "2n ** 70n",
  "true",
  "false",
  `""`,
  `" "`,
  `"x"`,
  `"a\\u0000b"`,
  `"\\ud800"`,
  `"x".repeat(100_000)`,
  `"\\u001b[31mred"`,
  `"a\\nb"`,
  `"__proto__"`,
  `"constructor"`,
  `"1s"`,
  `"-1s"`,
  `"1e9d"`,
  `":memory:"`,
  `Symbol("s")`,
  "() => 1",
  "async () => 1",
  "async () => { throw new Error('no') }",
  "function* () { yield 1 }",
  "async function* () { yield 1 }",
  "class A {}",
  "new (class A {})()",
  "[]",
  "[,1]",
  "[undefined]",
  "[null]",
  "[[]]",
  "{}",
  "({ a: undefined })",
  "({ a: { b: [1n] } })",
  "({ toJSON() { return 1 } })",
  "({ get a() { throw new Error('getter') } })",
  "Object.create(null)",
  "Object.create({ a: 1 })",
  "Object.freeze([1])",
  "JSON.parse('{\"__proto__\": 1}')",
  "new Date(0)",
  "new Date(NaN)",
  "new Map()",
  "new Set([1])",
  "new Uint8Array(2)",
  "new ArrayBuffer(2)",
  "Buffer.from('a')",
  "/x/g",
  "new Error('e')",
  "new URL('http://a/')",
  "new Proxy({}, { get() { throw new Error('trap') }, ownKeys() { throw new Error('trap') } })",
  "new Proxy([1], {})",
  "Promise.resolve(1)",
  "globalThis",
  "process.env",
  "(() => { const a = []; a.push(a); return a })()",
  "(() => { const a = {}; a.a = a; return a })()",
  "(() => { let a = []; for (let i = 0; i < 5000; i++) a = [a]; return a })()",
  "first",
  "second",
  "[first]",
  "handle",
  "pipeline",
  "each",
  "new Array(3)",
  "Array.from({ length: 3000 }, (_, i) => i)",
  "(() => { throw new Error('here') })()",
  "(() => { throw null })()",
  "new String('x')",
  "new Number(1)",
  "Object(1n)",
  "[1, 'a', null]",
  "({ name: 'x', message: 'y' })",
  "({ then(r) { r(1) } })",
  "({ [Symbol.iterator]: 1 })",
  "({ [Symbol.iterator]() { return { next: () => ({ done: true }) } } })",
  "({ [Symbol.iterator]() { return {} } })",
  "({ [Symbol.asyncIterator]() { return {} } })",
  "({ length: 2 })",
  "[{}]",
  "[{ id: 1, value: undefined }]",
  "[{ id: {} }]",
  "({ limit: 1 })",
  "({ limit: 1, per: '1s' })",
  "({ limit: NaN })",
  "new WeakMap()",
  "Math",
  "import.meta",
  "Bun",
];
export const oddWork = [
  ...oddValues,
  "work",
  "work[0]",
  "[work, work]",
  "[...work, ...work]",
  "first()",
  "[first(), 1]",
  "second()",
  "[second(), second()]",
  "each([1], () => second())",
  "each([], () => 1)",
  "function* () { yield second(); yield 1 }",
  "async function* () { yield second() }",
  "(function* () { yield second() })()",
  "function* () { throw new Error('in a generator') }",
  "(function* () { yield second(); throw new Error('later') })()",
  "(async function* () { yield second(); throw new Error('later') })()",
  "Promise.resolve(work)",
  "Promise.reject(new Error('rejected'))",
  "new Set(work)",
  "work.values()",
  "({ a: second() })",
];
