// The end of what a process prints. All of it is read, so that the process is not held up; little of it is kept.

import { TextDecoder } from "../base/globals.ts";

export class OutputTail {
  readonly #maxChars: number;
  #text = "";

  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  get text(): string {
    return this.#text.slice(-this.#maxChars);
  }

  /** Never rejects: of a pipe that breaks there is what was read before. */
  async read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const bytes of stream) this.#add(decoder.decode(bytes, { stream: true }));
    } catch {
      // The process itself says how it has ended.
    }
    this.#add(decoder.decode());
  }

  /** Cut at twice the size, so that each character is copied once. */
  #add(text: string): void {
    this.#text += text;
    if (this.#text.length > this.#maxChars * 2) this.#text = this.#text.slice(-this.#maxChars);
  }
}
