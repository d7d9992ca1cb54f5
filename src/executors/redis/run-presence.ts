// A run on Redis: it says once a second that it lives, keeps its code where machines find it, and hears what they send.

import { systemClock, type Timer } from "../../base/clock.ts";
import { crypto } from "../../base/globals.ts";
import { sha256 } from "../../base/sha256.ts";
import type { RunId } from "../../protocol/ids.ts";
import {
  beatsKey,
  bundleKey,
  type EngineLine,
  inboxKey,
  keySeconds,
  runKey,
  runsKey,
  type StreamEntry,
} from "./engine-connection.ts";
import { type EngineKey, signatureChars } from "./engine-key.ts";
import type { ToMachine, ToRun } from "./engine-messages.ts";
import { type LinkName, packFrame, type ReceivedFrame, unpackFrame } from "./frame-codec.ts";
import { type Frame, unordered } from "./link.ts";
import { packTick, type RunTick } from "./run-tick.ts";

/** Each text is named by its hash. */
type SharedText = { readonly hash: string; readonly text: string };

type SharedBundle = SharedText & {
  readonly name: string;
  /** The declared files of its tasks. */
  readonly files?: SharedText | undefined;
};

export type PresenceOptions = {
  readonly connection: EngineLine;
  readonly key: EngineKey;
  /** Pipeloom's. */
  readonly version: string;
  readonly pipeline: string;
  /** What tells the database of this run from all others. */
  readonly runName: string;
  /** The code of a pipeline file, for machines that do not have it. Absent for a pipeline that ships inside. */
  readonly bundle: SharedBundle | undefined;
};

type PresenceCalls = {
  frame(received: ReceivedFrame<ToRun>): void;
  /** All that has arrived together has been handled. */
  handled(): void;
  /** One of this run's own ticks came back through Redis. */
  ownTick(): void;
  /** Once a second. */
  beat(): void;
  reconnected(): void;
  /** See EngineConnection. */
  trouble(message: string): void;
};

const tickMs = 1_000;
const bundleSeconds = 86_400;
/** An earlier session of a run is not looked for after this time. */
const runSeconds = 86_400;
const runsKept = 1_000;
/** While the run is stopped, and nobody reads them. */
const beatsKept = 10_000;

export class RunPresence {
  readonly session: string = crypto.randomUUID();
  readonly #options: PresenceOptions;
  readonly #inbox = inboxKey(this.session);
  readonly #beats = beatsKey(this.session);
  #timer: Timer | undefined;
  /** Own ticks that came back from Redis. */
  ticks = 0;
  #isOver = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  start(calls: PresenceCalls): void {
    const { connection } = this.#options;
    connection.watch({
      reconnected: () => {
        this.shareCode();
        calls.reconnected();
        this.#tick(calls);
      },
      trouble: (message) => calls.trouble(message),
    });
    this.shareCode();
    void connection.read(
      { owned: this.#inbox },
      {
        entries: (_, entries) => this.#heard(entries, calls),
        handled: () => {
          if (!this.#isOver) calls.handled();
        },
      },
    );
    this.#tick(calls);
    this.#timer = systemClock.every(tickMs, () => this.#tick(calls));
  }

  #heard(entries: readonly StreamEntry[], calls: PresenceCalls): void {
    for (const [, fields] of entries) {
      if (this.#isOver) return;
      const received = unpackFrame<ToRun>("to run", fields, this.#options.key);
      if (received !== undefined) calls.frame(received);
      else if (fields[1] === this.session) {
        this.ticks++;
        calls.ownTick();
      }
    }
  }

  #tick(calls: PresenceCalls): void {
    const { connection } = this.#options;
    this.#say();
    // To itself: the time that passes between two of them is time in which Redis works.
    connection.post("XADD", this.#inbox, "*", "own", this.session);
    connection.post("EXPIRE", this.#inbox, keySeconds);
    void this.#hearBeats(calls);
    calls.beat();
  }

  /**
   * Once a second, and all together: a thousand idle machines would wake this thread as often as they beat, for 0.1 ms each. Machines
   * add to the stream while it is there.
   */
  async #hearBeats(calls: PresenceCalls): Promise<void> {
    const { connection } = this.#options;
    connection.post("XADD", this.#beats, "MAXLEN", "~", beatsKept, "*", "own", "");
    connection.post("EXPIRE", this.#beats, keySeconds);
    try {
      this.#heard(await connection.drain(this.#beats), calls);
    } catch (thrown) {
      connection.refused(thrown);
    }
  }

  #say(more: Pick<RunTick, "ended"> = {}): void {
    const { connection, key, version, pipeline } = this.#options;
    const { session, ticks } = this;
    const tick = packTick({ session, version, pipeline, tick: ticks, ...more }, key);
    connection.post("XADD", runsKey, "MAXLEN", "~", runsKept, "*", ...tick);
  }

  shareCode(): void {
    const { bundle, connection } = this.#options;
    if (bundle === undefined) return;
    for (const shared of [bundle, bundle.files]) {
      if (shared === undefined) continue;
      connection.post("SET", bundleKey(shared.hash), shared.text, "EX", bundleSeconds);
    }
  }

  /** An earlier session of this run has died: its lock is ours. Its leases need not wait until it is missed. */
  async replaceEarlier(run: RunId): Promise<void> {
    const { connection, key, runName } = this.#options;
    const name = sha256(`${runName} ${run}`);
    const sign = (session: string): string => key.sign(["session", name, session]) + session;
    try {
      const value = sign(this.session);
      const before = await connection.exchange(runKey(name), value, runSeconds);
      const ended = before?.slice(signatureChars) ?? "";
      // Another run's session, or one of another key, is left alone.
      if (before === sign(ended) && ended !== this.session) this.#say({ ended });
    } catch (thrown) {
      // The machines miss the earlier session by themselves.
      connection.refused(thrown);
    }
  }

  transmit(name: LinkName, frame: Frame<ToMachine>): void {
    const { connection, key } = this.#options;
    const fields = packFrame("to machine", name, frame, key, systemClock.wall());
    connection.post("XADD", inboxKey(name.machine), "*", ...fields);
  }

  /** The machine hears this again whenever it sends something on that link. */
  end(name: LinkName, reason: "over" | "given up"): void {
    this.transmit(name, { seq: unordered, ack: 0, messages: [{ type: "end", reason }] });
  }

  stop(): void {
    this.#isOver = true;
    systemClock.cancel(this.#timer);
    const { connection } = this.#options;
    connection.post("DEL", this.#inbox, this.#beats);
    void connection.closeSoon();
  }
}
