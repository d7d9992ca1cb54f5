// A lease says which code runs with which inputs, so it is signed. Pure.

import type { EngineKey } from "./engine-key.ts";
import type { LeaseJob } from "./engine-messages.ts";

type Unsigned = Omit<LeaseJob, "signature">;

const partsOf = ({ session, lease, tasks }: Unsigned): readonly string[] => [
  "lease",
  session,
  `${lease}`,
  tasks,
];

export const signedLease = (lease: Unsigned, key: EngineKey): LeaseJob => ({
  ...lease,
  signature: key.sign(partsOf(lease)),
});

export const verifiesLease = (job: LeaseJob, key: EngineKey): boolean =>
  key.verifies(partsOf(job), job.signature);
