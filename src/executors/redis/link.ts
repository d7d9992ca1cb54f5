// A reliable, ordered channel over one that may lose, repeat and reorder what it carries: sequence numbers, cumulative
// acknowledgements, and a copy of each frame until it is acknowledged. Redis may lose every write that it has acknowledged; only
// the other end of the link counts. Pure: its owner transmits, and calls `beat` once a second.

/** `seq` of a frame that is delivered at once, and not acknowledged. */
export const unordered = -1;

export type Frame<Message> = {
  /** 1, 2, 3 …; 0 for a frame without messages, which is not acknowledged; or `unordered`. */
  readonly seq: number;
  /** The last frame of the other direction that was received without a gap. */
  readonly ack: number;
  /** Frames after `ack` are missing. */
  readonly again?: true;
  /** Sent again, alone: others were sent after it. */
  readonly hasMore?: true;
  readonly messages: readonly Message[];
};

/** It says only that its sender is there, and what it has received: nobody waits for it. */
export const isBeat = ({ seq, again }: Frame<unknown>): boolean => seq === 0 && again !== true;

type LinkDeps<Out, In> = {
  transmit(frame: Frame<Out>): void;
  deliver(message: In): void;
  /** Runs `work` after what has arrived is handled: what is sent meanwhile shares a frame. */
  soon(work: () => void): void;
  /** Runs `work` some ms later: nobody waits for it, and until then there may be a frame to share. */
  later(work: () => void): void;
};

/** Received frames are acknowledged this many at a time, or with the next frame of the other direction. */
const ackedAtOnce = 16;
/** Beats after which a frame that is not acknowledged is taken for lost. Doubled each time: the other end may be behind. */
const lateBeats = 3;
const mostLateBeats = 48;

type Sent<Message> = { readonly frame: Frame<Message>; beats: number };

export class Link<Out, In> {
  readonly #deps: LinkDeps<Out, In>;
  readonly #unacked: Sent<Out>[] = [];
  #pending: Out[] = [];
  #isFlushSoon = false;
  #isFlushLater = false;
  #lastSeq = 0;
  #waitBeats = lateBeats;
  #received = 0;
  /** Frames received since the last acknowledgement. */
  #unsaid = 0;
  /** The gap was reported; once is enough until a beat. */
  #hasAsked = false;

  constructor(deps: LinkDeps<Out, In>) {
    this.#deps = deps;
  }

  /** Messages that the other end has not acknowledged. */
  get isDrained(): boolean {
    return this.#pending.length === 0 && this.#unacked.length === 0;
  }

  send(message: Out): void {
    this.#pending.push(message);
    this.#flushSoon();
  }

  /** What the other end need not know at once goes with the next frame. */
  sendLater(message: Out): void {
    this.#pending.push(message);
    if (this.#isFlushSoon || this.#isFlushLater) return;
    this.#isFlushLater = true;
    this.#deps.later(() => {
      this.#isFlushLater = false;
      this.flush();
    });
  }

  #flushSoon(): void {
    if (this.#isFlushSoon) return;
    this.#isFlushSoon = true;
    this.#deps.soon(() => {
      this.#isFlushSoon = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const frame = { seq: ++this.#lastSeq, ack: this.#received, messages: this.#pending };
    this.#pending = [];
    this.#unsaid = 0;
    this.#unacked.push({ frame, beats: 0 });
    this.#deps.transmit(frame);
  }

  receive(frame: Frame<In>): void {
    if (frame.seq === unordered) return this.#deliver(frame);
    while ((this.#unacked[0]?.frame.seq ?? Number.POSITIVE_INFINITY) <= frame.ack) {
      this.#unacked.shift();
      this.#waitBeats = lateBeats;
    }
    if (frame.again === true) this.resend();
    if (frame.seq === 0) return;
    if (frame.seq > this.#received + 1) return this.#askAgain();
    this.#unsaid++;
    if (frame.seq === this.#received + 1) {
      this.#received++;
      this.#hasAsked = false;
      this.#deliver(frame);
    }
    if (frame.hasMore === true) return this.#askAgain();
    if (this.#unsaid >= ackedAtOnce && this.#pending.length === 0) this.#acknowledge();
  }

  #deliver({ messages }: Frame<In>): void {
    for (const message of messages) this.#deps.deliver(message);
  }

  #askAgain(): void {
    if (this.#hasAsked) return;
    this.#hasAsked = true;
    this.#deps.transmit({ seq: 0, ack: this.#received, again: true, messages: [] });
  }

  #acknowledge(): void {
    this.#unsaid = 0;
    this.#deps.transmit({ seq: 0, ack: this.#received, messages: [] });
  }

  /** After the connection was lost: what was on its way may be gone. */
  resend(): void {
    this.#waitBeats = lateBeats;
    for (const sent of this.#unacked) {
      sent.beats = 0;
      this.#deps.transmit({ ...sent.frame, ack: this.#received });
    }
  }

  /** @param isHeard true: the other end must hear of this one, also when there is nothing to say */
  beat(isHeard: boolean): void {
    this.#hasAsked = false;
    const [oldest] = this.#unacked;
    if (oldest !== undefined && ++oldest.beats >= this.#waitBeats) {
      oldest.beats = 0;
      this.#waitBeats = Math.min(2 * this.#waitBeats, mostLateBeats);
      // The other end, if it is there, asks for what is missing after it.
      const hasMore = this.#unacked.length > 1 ? ({ hasMore: true } as const) : {};
      return this.#deps.transmit({ ...oldest.frame, ack: this.#received, ...hasMore });
    }
    if (this.#pending.length > 0) this.flush();
    else if (isHeard || this.#unsaid > 0) this.#acknowledge();
  }
}
