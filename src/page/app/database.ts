// What is known of the database and of the server that shows it.

import { computed, signal } from "@preact/signals";

import type { DatabaseView } from "../contract.ts";
import { get, isReport } from "./source.ts";

/** Null until the server has answered. */
export const database = signal<DatabaseView | null>(null);

/** Buttons that start or end something are there. */
export const canAct = computed(() => !isReport && database.value?.isReadOnly === false);

export async function loadDatabase(): Promise<void> {
  try {
    database.value = await get<DatabaseView>("/data/db");
  } catch {
    // The views say that the server does not answer. It is asked again with the next view that is opened.
  }
}
