// What a machine is, and what it is given to work with.

import type { LogLevel } from "../../../protocol/status.ts";
import type { EngineLine } from "../engine-connection.ts";
import type { EngineKey } from "../engine-key.ts";
import type { MachineName } from "./machine-name.ts";
import type { SessionDeps } from "./session-deps.ts";

export type MachineOptions = {
  readonly connection: EngineLine;
  readonly key: EngineKey;
  readonly version: string;
  readonly name: Pick<MachineName, "text" | "keep" | "giveUp">;
  readonly threads: number;
  readonly slots: number;
  readonly tags: readonly string[];
  readonly createPool: SessionDeps["createPool"];
  readonly say: (level: LogLevel, line: string) => void;
  /** The last run that it worked for is over. */
  readonly idle?: () => void;
  /** `status` has the tasks. Default false: what they report is not read. */
  readonly isShown?: boolean;
};
