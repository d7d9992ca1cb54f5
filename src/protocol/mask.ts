// Keeps the values of secrets out of everything that leaves a thread.

import { mapTexts } from "./unit-part.ts";

const shortest = 4;
const stars = "***";

/** A key of several lines is printed line by line. Short ones, a brace for instance, would hit everywhere. */
const linesIn = (value: string): string[] =>
  value.includes("\n")
    ? value
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line.length >= shortest)
    : [];

export class Mask {
  readonly #needles: readonly string[];

  private constructor(needles: readonly string[]) {
    this.#needles = needles;
  }

  /** Undefined when there is nothing to hide. Values of fewer than 4 characters are not masked: they would hit everywhere. */
  static of(
    names: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ): Mask | undefined {
    const needles = new Set<string>();
    for (const name of names) {
      const value = env[name];
      if (value === undefined || value.length < shortest) continue;
      for (const piece of [value, ...linesIn(value)]) {
        // Results, cursors and payloads are JSON text inside a record, and so may a cell be: there the value stands escaped.
        let form = piece;
        for (let depth = 0; depth < 4; depth++) {
          needles.add(form);
          form = JSON.stringify(form).slice(1, -1);
        }
      }
    }
    // The longest first, or a short secret inside a long one would leave the rest of it to be read.
    return needles.size === 0
      ? undefined
      : new Mask([...needles].toSorted((a, b) => b.length - a.length));
  }

  /** Characters of the longest secret. */
  get longest(): number {
    return this.#needles[0]?.length ?? 0;
  }

  text(text: string): string {
    let masked = text;
    for (const needle of this.#needles) masked = masked.replaceAll(needle, stars);
    return masked;
  }

  /** JSON.stringify with every string in it masked, keys too. */
  stringify(value: unknown): string {
    return JSON.stringify(value, (_, member: unknown) => this.#member(member));
  }

  /** A unit's part with every string in it masked. */
  part(post: string): string {
    return this.#needles.some((needle) => post.includes(needle))
      ? mapTexts(post, (text) => this.text(text))
      : post;
  }

  #member(member: unknown): unknown {
    if (typeof member === "string") return this.text(member);
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    const keys = Object.keys(member);
    if (keys.every((key) => this.text(key) === key)) return member;
    return Object.fromEntries(
      Object.entries(member).map(([key, inner]) => [this.text(key), inner]),
    );
  }
}
