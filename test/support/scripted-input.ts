// Scripted keyboard input and captured output for the prompts of clack. Each key is typed when the program reads.

import { PassThrough, Writable } from "node:stream";

const keys: Readonly<Record<string, string>> = {
  enter: "\r",
  escape: "\u001B",
  up: "\u001B[A",
  down: "\u001B[B",
  left: "\u001B[D",
  "ctrl-c": "\u0003",
  "ctrl-d": "\u0004",
};

/** The output without styles, as one string. */
export class SeenOutput extends Writable {
  readonly columns: number;
  readonly rows = 40;
  readonly isTTY = true;
  #text = "";

  constructor(columns = 80) {
    super();
    this.columns = columns;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#text += chunk.toString();
    done();
  }

  get raw(): string {
    return this.#text;
  }

  get text(): string {
    return Bun.stripANSI(this.#text);
  }
}

/** A lone Escape is recognized only when nothing follows it within 50 ms. */
const afterEscapeMs = 120;
/** For a key that does not change the screen. */
const patienceMs = 300;

/** `enter`, `down`, `ctrl-c` … are keys. `end` closes the input. Anything else is typed as text. */
export function scriptedInput(script: readonly string[], output: SeenOutput): PassThrough {
  const input = new PassThrough();
  void type(input, script, output);
  return input;
}

async function type(
  input: PassThrough,
  script: readonly string[],
  output: SeenOutput,
): Promise<void> {
  let seen = 0;
  for (const word of script) {
    const start = performance.now();
    while (output.text.length === seen && performance.now() - start < patienceMs)
      await Bun.sleep(1);
    seen = output.text.length;
    if (word === "end") input.end();
    else input.write(keys[word] ?? word);
    if (word === "escape") await Bun.sleep(afterEscapeMs);
  }
}
