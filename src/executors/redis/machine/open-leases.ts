// The leases that a machine claims at a run, and those that it holds: each keeps a job in the queue until it is closed.

import { Promise } from "../../../base/globals.ts";

type OpenLease = {
  readonly close: () => void;
  /** All of its tasks have ended: the run gives it others, or closes it. */
  isEmpty: boolean;
};

export class OpenLeases {
  /** By lease: settles a claim. */
  readonly #claims = new Map<number, (isGranted: boolean) => void>();
  /** Leases that were granted, and that the run has not closed. */
  readonly #open = new Map<number, OpenLease>();

  get hasClaims(): boolean {
    return this.#claims.size > 0;
  }

  isClaimed(lease: number): boolean {
    return this.#claims.has(lease);
  }

  /** Resolves to whether the run grants it. */
  claim(lease: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#claims.set(lease, resolve);
    return promise;
  }

  /** @returns false where nobody waits for the answer */
  answer(lease: number, isGranted: boolean): boolean {
    const settle = this.#claims.get(lease);
    settle?.(isGranted);
    return this.#claims.delete(lease);
  }

  /** Resolves when it is closed. */
  async open(lease: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open.set(lease, { close: resolve, isEmpty: true });
    await promise;
    this.#open.delete(lease);
  }

  filled(lease: number): void {
    const open = this.#open.get(lease);
    if (open !== undefined) open.isEmpty = false;
  }

  /** @param closes it gets no other tasks */
  emptied(lease: number, closes: boolean): void {
    const open = this.#open.get(lease);
    if (open === undefined) return;
    open.isEmpty = true;
    if (closes) open.close();
  }

  close(lease: number): void {
    this.#open.get(lease)?.close();
  }

  closeEmpty(): void {
    for (const { isEmpty, close } of this.#open.values()) if (isEmpty) close();
  }

  /** Nothing is waited for any longer. */
  closeAll(): void {
    for (const settle of this.#claims.values()) settle(false);
    this.#claims.clear();
    for (const { close } of this.#open.values()) close();
  }
}
