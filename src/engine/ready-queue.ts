// Ready tasks that wait for the same: first by priority, then by rank, then by order.

import { Fifo } from "../base/fifo.ts";
import type { TaskVertex } from "../plan/vertex.ts";

/** Ready tasks of one priority and one rank, in order. */
type Level = { priority: number; rank: number; readonly queue: Fifo<TaskVertex> };

export class ReadyQueue {
  /** Those that hold tasks, the first to start first. There are few: an item's later stages are taken before they pile up. */
  readonly #levels: Level[] = [];
  /** Levels without tasks, to be used again: a chain of tasks has one task at a time, each of another rank. */
  readonly #spare: Level[] = [];
  size = 0;

  push(vertex: TaskVertex, rank: number): void {
    this.#queue(vertex.priority, rank).push(vertex);
    this.size++;
  }

  putBack(vertex: TaskVertex, rank: number): void {
    const queue = this.#queue(vertex.priority, rank);
    const before: TaskVertex[] = [];
    while ((queue.peek()?.order ?? Number.POSITIVE_INFINITY) < vertex.order) {
      const earlier = queue.shift();
      if (earlier !== undefined) before.push(earlier);
    }
    queue.unshift(vertex);
    for (const earlier of before.toReversed()) queue.unshift(earlier);
    this.size++;
  }

  shift(): TaskVertex | undefined {
    const level = this.#levels[0];
    if (level === undefined) return undefined;
    const vertex = level.queue.shift();
    this.size--;
    if (level.queue.size === 0) {
      this.#levels.shift();
      this.#spare.push(level);
    }
    return vertex;
  }

  isBefore(other: ReadyQueue): boolean {
    const mine = this.#levels[0];
    const theirs = other.#levels[0];
    if (mine === undefined || theirs === undefined) return mine !== undefined;
    if (mine.priority !== theirs.priority) return mine.priority > theirs.priority;
    if (mine.rank !== theirs.rank) return mine.rank > theirs.rank;
    return orderOf(mine) < orderOf(theirs);
  }

  #queue(priority: number, rank: number): Fifo<TaskVertex> {
    let at = 0;
    for (const level of this.#levels) {
      if (level.priority === priority && level.rank === rank) return level.queue;
      if (level.priority === priority ? level.rank < rank : level.priority < priority) break;
      at++;
    }
    const level = this.#spare.pop() ?? { priority, rank, queue: new Fifo<TaskVertex>() };
    level.priority = priority;
    level.rank = rank;
    this.#levels.splice(at, 0, level);
    return level.queue;
  }
}

const orderOf = ({ queue }: Level): number => queue.peek()?.order ?? Number.POSITIVE_INFINITY;
