// Generates a scenario from a seed.

import { Random } from "./random.ts";
import { engineFaults } from "./scenario.ts";
import type {
  Json,
  Call,
  Expr,
  Fan,
  Incident,
  Kind,
  Scenario,
  Session,
  Settings,
  Step,
} from "./scenario.ts";
import type { Pace } from "./world.ts";

/** Kinds of trouble that can be switched off while a known bug would hide other findings. */
export type Switches = { readonly [name in SwitchName]: boolean };
export const switchNames = [
  "late-sends",
  "caught-send",
  "unseen-send",
  "reused-arrays",
  "mixed-shapes",
  "outside-nodes",
  "empty-lists",
  "optional-sources",
  "equal-calls",
  "hang-without-listening",
  "clock-jumps",
  "disk-busy",
  "disk-full",
  "resumes",
  "changed-plans",
  "changed-code",
  "reruns",
  "deaths",
  "writer-deaths",
  "kills",
  "cancels",
  "crashes",
  "orphans",
  "rollbacks",
  "slow-hooks",
  "exits",
  "rates",
  "engines",
] as const;
export type SwitchName = (typeof switchNames)[number];

const odd = ["", "a", "ü€😀", "\u001f", "a\0b", '"quoted"\n', "x".repeat(300), "__proto__"];

export function generate(seed: number, switches: Switches): Scenario {
  return new Generator(new Random(seed), switches).scenario(seed);
}

/** Its cursor is not in the state. */
const hasLateCheckpoint = ({ steps }: Kind): boolean =>
  steps.some((step) => step.op === "late" && step.what !== "insert");

/** What ends a session. */
const endings: ReadonlySet<string> = new Set([
  "cancel",
  "asked",
  "kill",
  "kill-at-statement",
  "writer-death",
]);

class Generator {
  readonly #random: Random;
  readonly #on: Switches;
  readonly #kinds: Kind[] = [];
  readonly #pools: Record<string, { limit: number; per?: number }> = {};
  #seed = 0;
  /** Remaining number of tasks. A call in a fan-out over five items counts five. */
  #budget: number;
  /** Kinds that yield lists, for use as sources of fan-outs. */
  #listKinds: number[] = [];
  /** Equal calls have other results: their plan stays as it is, since their positions in it tell them apart. */
  readonly #hasTickets: boolean;

  constructor(random: Random, switches: Switches) {
    this.#random = random;
    this.#on = switches;
    this.#hasTickets = switches["equal-calls"] && random.chance(0.3);
    this.#budget = random.chance(0.1) ? random.int(50, 300) : random.int(1, 40);
  }

  scenario(seed: number): Scenario {
    this.#seed = seed;
    const random = this.#random;
    for (const name of ["a", "b"].slice(0, random.int(0, 2))) {
      const isRate = this.#on.rates && random.chance(0.4);
      this.#pools[name] = {
        limit: random.int(1, 3),
        ...(isRate ? { per: random.int(5, 500) } : undefined),
      };
    }
    const isQuiet = random.chance(0.3);
    for (let i = random.int(1, 5); i > 0; i--) this.#kinds.push(this.#kind(isQuiet));
    this.#listKinds = this.#kinds.flatMap(({ yields }, i) =>
      typeof yields === "number" ? [i] : [],
    );
    const { nodes, roots } = random.chance(0.01)
      ? this.#crowd()
      : this.#hasTickets && random.chance(0.5)
        ? this.#tickets()
        : this.#graph();
    const sessions = this.#sessions(nodes);
    const scenario: Scenario = {
      seed,
      pace: this.#pace(),
      kinds: this.#kinds,
      pools: this.#pools,
      form: random.pick(["list", "list", "generator", "async-generator"]),
      nodes,
      roots,
      wal: random.chance(0.85),
      isReadSlowly: random.chance(0.1),
      hook: random.chance(0.8)
        ? "quick"
        : random.pick([this.#on["slow-hooks"] ? "slow" : "quick", "throws"] as const),
      storeTaskStatus: sessions.length > 1 || random.chance(0.9),
      ...(random.chance(0.2) ? { maxLines: random.pick([1, 2, 5, 100]) } : {}),
      ...(random.chance(0.3) ? { inputs: random.pick(["full", "none"] as const) } : {}),
      ...(random.chance(0.2) ? { hasLabels: true as const } : {}),
      sessions,
      ...(random.chance(0.4) ? { createsTables: true as const } : {}),
      ...(random.chance(0.4) && !this.#kinds.some(hasLateCheckpoint)
        ? { keepsState: true as const }
        : {}),
    };
    const edited = sessions.map((session, at) => this.#asking(this.#edited(session, at), at));
    return { ...scenario, sessions: this.#onMachines(edited) };
  }

  /** A part of the scenarios, from random numbers of their own: the others stay what they were. */
  #onMachines(sessions: readonly Session[]): readonly Session[] {
    const random = new Random(this.#seed ^ 0x5eed);
    if (!this.#on.engines || random.chance(0.8)) return sessions;
    const latencyMs = random.pick([0.5, 5, 100, 1_000]);
    const { workers, concurrency } = random.pick(sessions);
    // Machines may outlive a run that is killed.
    const size = random.chance(0.7) ? { workers, concurrency } : {};
    return sessions.map((session, at) => {
      const isLast = at === sessions.length - 1;
      const faults = isLast && random.chance(0.5) ? 0 : random.int(0, 3);
      const more = Array.from({ length: faults }, () => this.#engineFault(random));
      // A clock that jumps is one of all machines here.
      const isPlain = !isLast && random.chance(0.7);
      const others = session.incidents.filter(
        ({ what }) => what !== "clock" && !(isPlain && endings.has(what)),
      );
      const killed: Incident[] =
        isLast || random.chance(0.2)
          ? []
          : [{ what: "kill", atEvent: 1 + Math.floor(random.skewed(1500)), whileBusy: true }];
      const incidents = [...others, ...more, ...killed];
      return { ...session, ...size, engine: { latencyMs }, incidents };
    });
  }

  #engineFault(random: Random): Incident {
    return {
      what: "engine",
      atEvent: 1 + Math.floor(random.skewed(1500)),
      fault: random.pick(engineFaults),
      machine: random.int(0, 2),
      ms: random.pick([100, 2_000, 7_000, 20_000]),
    };
  }

  #edited(session: Session, at: number): Session {
    const random = this.#random;
    if (!this.#on["changed-code"] || at === 0 || random.chance(0.6)) return session;
    return { ...session, edits: [random.int(0, this.#kinds.length - 1)] };
  }

  #asking(session: Session, at: number): Session {
    const random = this.#random;
    if (!this.#on.reruns || at === 0 || random.chance(0.6)) return session;
    const failed = random.chance(0.3);
    const rerun = this.#kinds.flatMap((_, kind) => (random.chance(0.3) ? [kind] : []));
    if (rerun.length === 0 && !failed) return session;
    return { ...session, asks: { rerun, failed, downstream: random.chance(0.5) } };
  }

  #pace(): Pace {
    const { chance, skewed } = {
      chance: (p: number) => this.#random.chance(p),
      skewed: (most: number) => this.#random.skewed(most),
    };
    return {
      messageMs: chance(0.2) ? skewed(200) : 0.2,
      mainMs: chance(0.2) ? skewed(50) : 0.05,
      writerMs: chance(0.2) ? skewed(50) : 0.05,
      workerMs: chance(0.2) ? skewed(20) : 0.05,
      lateness: chance(0.3) ? 0.1 : 0,
      ...(chance(0.2) ? { overtaking: 0.3 } : {}),
    };
  }

  // ── what tasks do ──

  #kind(isQuiet: boolean): Kind {
    const random = this.#random;
    const steps = random.chance(0.3)
      ? []
      : Array.from({ length: random.int(1, 6) }, () => this.#step(isQuiet));
    const isSync = !steps.some(waits) && random.chance(0.7);
    const settings = this.#settings(isQuiet, 0.3);
    const hangs = steps.some(({ op }) => op === "hang");
    const mayFail = !isQuiet && random.chance(0.4);
    const yields = this.#yields();
    // Equal calls that yield the same may be exchanged.
    const hasValue = yields !== "null" && yields !== 0;
    return {
      steps,
      yields,
      failUntil: mayFail ? random.int(1, random.chance(0.2) ? 99 : 2) : 0,
      failBy: random.chance(0.7) ? "throw" : random.pick(["result", "secret"]),
      isSync,
      ...(this.#hasTickets && hasValue && random.chance(0.4) ? { isTicket: true as const } : {}),
      ...(settings.retries !== undefined && random.chance(0.3)
        ? { after: random.pick([0, 3, 700, 90_000, "nothing", "odd", "throws"] as const) }
        : {}),
      settings:
        hangs && settings.timeout === undefined
          ? { ...settings, timeout: random.int(1, 2000) }
          : settings,
    };
  }

  #yields(): Kind["yields"] {
    const random = this.#random;
    if (random.chance(0.4))
      return random.int(this.#on["empty-lists"] ? 0 : 1, random.chance(0.1) ? 12 : 3);
    return random.pick(["null", "value", "value", "long"]);
  }

  #settings(isQuiet: boolean, probability: number): Settings {
    const random = this.#random;
    const pools = Object.keys(this.#pools);
    const may = <T>(make: () => T): T | undefined =>
      random.chance(probability) ? make() : undefined;
    return dropUndefined({
      retries: may(() => ({
        limit: random.int(0, 3),
        delay: random.pick([0, 1, 20, 1500]),
        factor: random.pick([1, 2, 3]),
        jitter: random.chance(0.5),
      })),
      timeout: isQuiet ? undefined : may(() => random.pick([5, 50, 400, 5000, 60_000])),
      pool: pools.length === 0 ? undefined : may(() => random.pick(pools)),
      priority: may(() => random.int(-2, 2)),
      optional: may(() => random.chance(0.5)),
    });
  }

  #step(isQuiet: boolean): Step {
    const random = this.#random;
    const isAwaited = random.chance(0.6);
    const calm: (() => Step)[] = [
      () => ({ op: "wait", ms: random.pick([0, 1, 5, 30, 300]) }),
      () => ({ op: "block", ms: random.pick([1, 15, 200]) }),
      () => ({ op: "progress", step: random.int(0, 5), total: 5 }),
      () => ({
        op: "log",
        text: random.pick(["line", "two\nlines", "ü€😀", "x".repeat(500), "secret"]),
      }),
      () => this.#insert(isAwaited),
      () => this.#insert(isAwaited),
      () => ({
        op: "upsert",
        rows: random.int(0, random.chance(0.1) ? 1200 : 6),
        shapes: this.#on["mixed-shapes"] ? random.int(1, 4) : 1,
        isAwaited,
      }),
      () => ({ op: "emit", isAwaited }),
      () => ({ op: "checkpoint", isAwaited }),
      () => ({ op: "query" }),
    ];
    const wild: (() => Step | undefined)[] = [
      () => (this.#on["caught-send"] ? { op: "caught" } : undefined),
      () => ({ op: "hang", listens: !this.#on["hang-without-listening"] || random.chance(0.6) }),
      () => (this.#on["unseen-send"] ? { op: "unseen" } : undefined),
      () => ({ op: "conflict" }),
      () => (this.#on.orphans ? { op: "orphan" } : undefined),
      () => (this.#on.rollbacks ? { op: "rollback" } : undefined),
      () => ({ op: "flood", lines: random.int(1, 700) }),
      () => (this.#on.crashes ? { op: "crash" } : undefined),
      () => (this.#on.exits ? { op: "exit" } : undefined),
      () =>
        this.#on["late-sends"]
          ? {
              op: "late",
              ms: random.pick([0, 3, 40]),
              what: random.pick(["insert", "checkpoint", "both"]),
            }
          : undefined,
    ];
    const step = isQuiet || random.chance(0.85) ? undefined : random.pick(wild)();
    return step ?? random.pick(calm)();
  }

  #insert(isAwaited: boolean): Step {
    const random = this.#random;
    const isReused = this.#on["reused-arrays"] && random.chance(0.3);
    return {
      op: "insert",
      rows: random.int(0, random.chance(0.05) ? 2500 : 5),
      form: isReused ? "array" : random.pick(["array", "array", "iterable", "async"]),
      isAwaited,
      isReused,
    };
  }

  // ── the graph ──

  #graph(): { nodes: Expr[]; roots: number[] } {
    const random = this.#random;
    const nodes: Expr[] = [];
    const used = new Set<number>();
    while (this.#budget > 0 && nodes.length < 60) {
      nodes.push(this.#node(nodes, used, 0, 1));
    }
    const roots = nodes.flatMap((_, i) =>
      // An unreferenced node must be a root: otherwise pipeloom reports a forgotten task.
      !used.has(i) || random.chance(0.3) ? [i] : [],
    );
    return { nodes, roots };
  }

  /** Many short tasks, to exercise prefetch and taking back assignments. */
  #crowd(): { nodes: Expr[]; roots: number[] } {
    const random = this.#random;
    const value = Array.from({ length: random.int(100, 800) }, (_, i) => i);
    const steps: Step[] = random
      .pick([
        [],
        [{ op: "progress", step: 1, total: 2 }],
        [{ op: "insert", rows: 1, form: "array", isAwaited: false, isReused: false }],
      ] as const)
      .map((step) => step);
    const isSync = steps.every((step) => !waits(step)) && random.chance(0.8);
    const settings = random.chance(0.3) ? this.#settings(true, 0.3) : {};
    const kind = this.#kinds.length;
    this.#kinds.push({
      steps,
      yields: random.pick(["null", "value"]),
      failUntil: 0,
      failBy: "throw",
      isSync,
      settings: { ...settings, optional: false },
    });
    const crowd: Expr = {
      each: { source: { value }, item: { task: { kind, input: { item: 0 } } } },
    };
    return { nodes: [crowd, { task: { kind, input: { ref: 0 } } }], roots: [1] };
  }

  /** Fan-outs with equal calls in them, whose lists come in any order, and tasks that read nothing but what they yield. */
  #tickets(): { nodes: Expr[]; roots: number[] } {
    const random = this.#random;
    const quiet = { failUntil: 0, failBy: "throw", isSync: false } as const;
    const steps = (): Step[] => (random.chance(0.7) ? [{ op: "wait", ms: random.int(0, 40) }] : []);
    const kind = (yields: Kind["yields"], isTicket?: true): number => {
      const base = { ...quiet, steps: steps(), yields, settings: {} };
      return this.#kinds.push(isTicket === undefined ? base : { ...base, isTicket }) - 1;
    };
    const [list, ticket, read] = [kind(random.int(1, 5)), kind("value", true), kind("null")];
    const insert: Step = {
      op: "insert",
      rows: 1,
      form: "array",
      isAwaited: false,
      isReused: false,
    };
    this.#kinds[ticket] = { ...this.#kinds[ticket], steps: [...steps(), insert] } as Kind;
    const call = (): Expr => ({ task: { kind: ticket, input: { value: 0 } } });
    const source = (value: Json): Expr =>
      random.chance(0.7) ? { task: { kind: list, input: { value } } } : { value: [1, 2, 3] };
    const fan = (value: Json, depth: number): Expr => {
      const item = depth > 0 && random.chance(0.4) ? fan(value, depth - 1) : call();
      return { each: { source: source(value), item } };
    };
    const nodes: Expr[] = [];
    const roots: number[] = [];
    for (let i = random.int(2, 5); i > 0; i--) {
      const at = nodes.push(random.chance(0.8) ? fan(i, 2) : call()) - 1;
      roots.push(nodes.push({ task: { kind: read, input: { ref: at } } }) - 1);
    }
    return { nodes, roots };
  }

  /** @param times the minimum number of evaluations: the product of the sizes of the enclosing lists */
  #node(nodes: readonly Expr[], used: Set<number>, depth: number, times: number): Expr {
    const random = this.#random;
    if (depth < 3 && random.chance(0.25)) return { each: this.#fan(nodes, used, depth, times) };
    return { task: this.#call(random.int(0, this.#kinds.length - 1), nodes, used, depth, times) };
  }

  #call(
    kind: number,
    nodes: readonly Expr[],
    used: Set<number>,
    depth: number,
    times: number,
  ): Call {
    const random = this.#random;
    this.#budget -= times;
    const after =
      nodes.length > 0 && random.chance(0.15)
        ? [this.#ref(nodes, used, depth)].filter((ref) => ref !== undefined)
        : [];
    const settings = random.chance(0.2) ? this.#settings(random.chance(0.5), 0.4) : {};
    const isTicket = this.#kinds[kind]?.isTicket === true && random.chance(0.8);
    return {
      kind,
      input: isTicket ? { value: 0 } : this.#input(nodes, used, depth, times, 0),
      ...(after.length > 0 ? { after } : undefined),
      ...(Object.keys(settings).length > 0 ? { settings } : undefined),
    };
  }

  #ref(nodes: readonly Expr[], used: Set<number>, depth: number): Expr | undefined {
    if (nodes.length === 0 || (depth > 0 && !this.#on["outside-nodes"])) return undefined;
    const ref = this.#random.int(0, nodes.length - 1);
    // A reference inside a fan-out may never be evaluated, so the node stays a root.
    if (depth === 0) used.add(ref);
    return { ref };
  }

  #input(
    nodes: readonly Expr[],
    used: Set<number>,
    depth: number,
    times: number,
    nested: number,
  ): Expr {
    const random = this.#random;
    if (depth > 0 && random.chance(0.4)) return { item: random.int(0, depth - 1) };
    const ref = random.chance(0.35) ? this.#ref(nodes, used, depth) : undefined;
    if (ref !== undefined) return ref;
    if (nested < 2 && random.chance(0.2)) {
      const list = Array.from({ length: random.int(0, 3) }, () =>
        this.#input(nodes, used, depth, times, nested + 1),
      );
      return { list };
    }
    if (this.#budget > times && nested < 2 && random.chance(0.15)) {
      return this.#node(nodes, used, depth, times);
    }
    return { value: random.chance(0.2) ? random.pick(odd) : random.int(0, 9) };
  }

  #fan(nodes: readonly Expr[], used: Set<number>, depth: number, times: number): Fan {
    const random = this.#random;
    const [source, most] = this.#source(nodes, used, depth, times);
    const item = this.#node(nodes, used, depth + 1, times * Math.max(most, 1));
    if (random.chance(0.1)) return { source, item: { list: [item, { item: 0 }] } };
    return { source, item };
  }

  #source(
    nodes: readonly Expr[],
    used: Set<number>,
    depth: number,
    times: number,
  ): [source: Expr, items: number] {
    const random = this.#random;
    const kinds = this.#listKinds.filter(
      (kind) => this.#on["optional-sources"] || this.#kinds[kind]?.settings.optional !== true,
    );
    if (kinds.length > 0 && random.chance(0.6)) {
      const kind = random.pick(kinds);
      const call = this.#call(kind, nodes, used, depth, times);
      const { optional: _, ...settings } = call.settings ?? {};
      const source = { task: this.#on["optional-sources"] ? call : { ...call, settings } };
      return [source, Number(this.#kinds[kind]?.yields)];
    }
    const length = random.int(this.#on["empty-lists"] ? 0 : 1, 4);
    return [{ value: Array.from({ length }, () => random.int(0, 9)) }, length];
  }

  // ── what befalls it ──

  #sessions(nodes: readonly Expr[]): Session[] {
    const random = this.#random;
    const count = random.chance(0.5) ? 0 : random.int(1, random.chance(0.1) ? 5 : 2);
    const sessions = Array.from({ length: count }, () => this.#session(nodes, true));
    if (!this.#on.resumes) return [...sessions, this.#session(nodes, false)].slice(0, 1);
    return [...sessions, this.#session(nodes, false)];
  }

  #session(nodes: readonly Expr[], isTroubled: boolean): Session {
    const random = this.#random;
    const workers = random.int(1, 3);
    const leavesOut =
      this.#on["changed-plans"] && !this.#hasTickets && isTroubled && random.chance(0.15)
        ? [random.int(0, nodes.length - 1)]
        : [];
    return {
      workers,
      concurrency: workers * (random.chance(0.5) ? 1 : random.int(1, 4)),
      failFast: isTroubled && random.chance(0.1),
      incidents: isTroubled
        ? Array.from({ length: random.int(1, 3) }, () => this.#incident()).filter(
            (incident) => incident !== undefined,
          )
        : [],
      leavesOut,
    };
  }

  #incident(): Incident | undefined {
    const random = this.#random;
    const atEvent = 1 + Math.floor(random.skewed(1500));
    const atStatement = 1 + Math.floor(random.skewed(200));
    switch (random.int(0, 7)) {
      case 0:
        return this.#on.cancels
          ? { what: random.pick(["cancel", "asked"]), atEvent, urgent: random.chance(0.3) }
          : undefined;
      case 1:
        return this.#on["clock-jumps"]
          ? { what: "clock", atEvent, byMs: random.pick([-3_600_000, -5_000, 5_000, 3_600_000]) }
          : undefined;
      case 2:
        return this.#on.kills ? { what: "kill", atEvent } : undefined;
      case 3:
        return this.#on.kills
          ? { what: "kill-at-statement", atStatement, when: random.pick(["before", "after"]) }
          : undefined;
      case 4:
      case 5:
        return this.#on.deaths
          ? {
              what: "death",
              thread: random.int(0, 4),
              death: { atPost: 2 + Math.floor(random.skewed(100)), after: random.chance(0.5) },
            }
          : undefined;
      case 6:
        return this.#on["writer-deaths"] && random.chance(0.5)
          ? { what: "writer-death", atEvent }
          : undefined;
      default:
        return this.#diskFault(atStatement);
    }
  }

  #diskFault(atStatement: number): Incident | undefined {
    const random = this.#random;
    const undoes = random.chance(0.5);
    if (random.chance(0.4)) {
      if (!this.#on["disk-busy"]) return undefined;
      return {
        what: "disk",
        fault: {
          atStatement,
          code: "SQLITE_BUSY",
          undoes,
          times: random.int(1, random.chance(0.2) ? 400 : 20),
        },
      };
    }
    if (!this.#on["disk-full"]) return undefined;
    const code = random.pick(["SQLITE_FULL", "SQLITE_IOERR_WRITE"] as const);
    return {
      what: "disk",
      fault: { atStatement, code, undoes, times: random.chance(0.5) ? 1 : 1_000_000 },
    };
  }
}

const waits = ({ op }: Step): boolean => !["progress", "log", "query"].includes(op);

function dropUndefined<T extends object>(
  value: T,
): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}
