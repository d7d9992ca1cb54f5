// How a failure of a run, or of what comes before it, is shown by a command.

import { type Failure, toFailure } from "../base/failure.ts";
import { ParamsError } from "../api/params.ts";
import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";
import { LoadError } from "../module/load-error.ts";
import { PlanError } from "../plan/plan-error.ts";
import { NothingSelectedError } from "../plan/selection.ts";
import type { ModuleRef } from "../protocol/messages.ts";
import { overlapExitCode } from "../protocol/schedule-rule.ts";
import { RerunError } from "../api/rerun-options.ts";
import type { StoreErrorCode } from "../store/store-error.ts";
import { authorError } from "./load-for-command.ts";
import { paramsCommand } from "./params-help.ts";

/** A failure that a person can fix loses its stack; anything else is a bug and stays as it is. */
export function explained(error: unknown, module: ModuleRef): unknown {
  if (error instanceof ParamsError) return new UsageError(error.message, seeParams(module));
  if (usageErrors.some((Class) => error instanceof Class)) {
    return new UsageError(toFailure(error).message);
  }
  if (isExpected(error) && usageCodes.has(error.code)) return new UsageError(error.message);
  if (error instanceof PlanError || (isExpected(error) && error.name === "SchemaError"))
    return authorError(error, module);
  if (isExpected(error) && error.code === ("overlaps" satisfies StoreErrorCode)) {
    return new UserError(error.message, undefined, { exitCode: overlapExitCode });
  }
  if (error instanceof LoadError) return new UserError(error.message);
  if (isExpected(error)) return new UserError(error.message);
  return error;
}

const usageErrors = [RerunError, NothingSelectedError];

export function seeParams(module: ModuleRef): string | undefined {
  const command = paramsCommand(module);
  return command === undefined ? undefined : `to see its parameters: ${command}`;
}

/** The command asks for something that the database does not have, or leaves a choice open. */
const usageCodes: ReadonlySet<unknown> = new Set<StoreErrorCode>([
  "nothing-to-keep",
  "nothing-to-rerun",
  "would-repeat",
]);

/** Errors of the writer arrive as data, without their class. */
const isExpected = (error: unknown): error is Failure & Error =>
  error instanceof Error &&
  ["StoreError", "ReaderError", "SchemaError", "LoadError", "EngineError"].includes(error.name);
