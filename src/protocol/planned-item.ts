import type { Item } from "./label.ts";

/** What records say of a task beside its name: its item, and what only the plan knows. */
export type PlannedItem = Item & {
  /** See needs.ts. Absent where the task waits for nothing. */
  readonly needs?: string | undefined;
  /** Where in the plan it is called (plan/positions.ts). Absent: that is its id. */
  readonly position?: number | undefined;
};
