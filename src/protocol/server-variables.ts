// Variables of the environment that are for the servers of `ui` and `serve` alone: what opens them, and whom they tell. Their children run
// the user's code, and do not get them.

/** What opens the page. */
export const tokenVariable = "PIPELOOM_UI_TOKEN";

/** What opens `/metrics`, and nothing else. */
export const metricsTokenVariable = "PIPELOOM_METRICS_TOKEN";

/** The address that `serve` tells of failures; it may have a secret in it. */
export const webhookVariable = "PIPELOOM_WEBHOOK";

const ofServerAlone = new Set([tokenVariable, metricsTokenVariable, webhookVariable]);

export const environmentOfChildren = (
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || ofServerAlone.has(name) ? [] : [[name, value]],
    ),
  );
