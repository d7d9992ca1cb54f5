// What a child tells of a pipeline file: the user's code runs there, and never in the process of serve. It has no secrets.

import type { ScheduleRule } from "../protocol/schedule-rule.ts";

export type DescribedPipeline = {
  /** Null: the default export. */
  readonly exportName: string | null;
  /** As the database has it: secrets are masked. */
  readonly name: string;
  readonly served:
    | { readonly kind: "scheduled"; readonly rule: ScheduleRule; readonly db: string }
    /** `reason` completes "cannot be served: ". */
    | { readonly kind: "refused"; readonly reason: string };
};

/** Of a file: what tells it from its next version. Null: it is not there. */
export type Stamp = { readonly path: string; readonly stamp: string | null };

/** The line that the child prints. */
export type DescribedFile = {
  /** The file and those that it imports, as they were before they were loaded. */
  readonly stamps: readonly Stamp[];
  readonly result:
    | { readonly kind: "loaded"; readonly pipelines: readonly DescribedPipeline[] }
    | { readonly kind: "broken"; readonly message: string };
};

export type FileResult = DescribedFile["result"];

/** `/srv/etl.ts`, `/srv/etl.ts:nightly`: as `run` takes it. */
export const argumentOf = (file: string, exportName: string | null): string =>
  exportName === null ? file : `${file}:${exportName}`;
