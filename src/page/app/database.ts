// What is known of the databases, and of the server that shows them.

import { computed, signal } from "@preact/signals";

import type { DatabaseView } from "../contract.ts";
import { baseNow, baseOf } from "./router.ts";
import { get, isReport } from "./source.ts";

/** Null until the server has answered. */
export const database = signal<DatabaseView | null>(null);

/** Buttons that start or end something are there. */
export const canAct = computed(() => !isReport && database.value?.isReadOnly === false);

/** The page shows several databases, and the address names none of them. */
export const isOfAll = computed(() => baseNow.value === "" && database.value?.path === null);

/** Whose runs are shown where a person asks for runs: those of the database that is looked at, or of the first one. */
export const runsBase = computed(
  () => baseNow.value || baseOf(database.value?.databases[0]?.id ?? null),
);

export async function loadDatabase(): Promise<void> {
  try {
    database.value = await get<DatabaseView>("/data/db");
  } catch {
    // The views say that the server does not answer. It is asked again with the next view that is opened.
  }
}
