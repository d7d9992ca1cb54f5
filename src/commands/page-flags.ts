// The flags of the commands that show the page, and what they say of who may reach it.

import { UsageError } from "../cli/usage-error.ts";
import { UserError } from "../cli/user-error.ts";
import { codeOf, reasonOf } from "../base/system-error.ts";
import type { PageServerOptions } from "../page/page-server.ts";
import { minTokenLength } from "../page/token.ts";
import { metricsTokenVariable, tokenVariable } from "../protocol/server-variables.ts";

const defaultPort = 4800;

export const pageFlags = {
  port: {
    type: "string",
    valueType: "integer",
    min: 0,
    max: 65_535,
    defaultHint: `${defaultPort}, or a free one if it is taken`,
    description: "the port; 0 takes a free one",
  },
  host: {
    type: "string",
    default: "127.0.0.1",
    description: `the address to listen at; another than loopback needs a token in $${tokenVariable}`,
  },
  allowHost: {
    type: "string",
    repeat: true,
    valueHint: "name[:port]",
    description: "a further name that browsers may use, such as that of a proxy",
  },
  readOnly: { type: "boolean", description: "show only: start, rerun and cancel nothing" },
  open: { type: "boolean", description: "open the page in the browser" },
} as const;

/** What a person types to have one. */
export const newTokenIn = (variable: string): string =>
  `export ${variable}=$(openssl rand -hex 32)`;

const isLoopback = (host: string): boolean => /^(?:127(?:\.\d+){3}|::1|localhost)$/.test(host);

/** What opens the page, and what opens `/metrics` alone. Undefined: each link opens the page once. */
type Tokens = Pick<PageServerOptions, "token" | "metricsToken">;

/**
 * @param env of the process that shows the page
 * @throws UsageError for a host that others can reach, without a token; or for a token that can be guessed
 */
export function tokensFor(host: string, env: Variables = process.env): Tokens {
  const token = tokenIn(env, tokenVariable);
  if (token === undefined && !isLoopback(host)) {
    throw new UsageError(
      `--host ${host} can be reached by others, so it needs a token`,
      `for one: ${newTokenIn(tokenVariable)}`,
    );
  }
  return { token, metricsToken: tokenIn(env, metricsTokenVariable) };
}

type Variables = Readonly<Record<string, string | undefined>>;

function tokenIn(env: Variables, variable: string): string | undefined {
  const token = env[variable];
  if (token === undefined || token === "") return undefined;
  if (token.length >= minTokenLength) return token;
  throw new UsageError(
    `the token in $${variable} is too short: it has ${token.length} characters, and needs ${minTokenLength}`,
    `for one: ${newTokenIn(variable)}`,
  );
}

/**
 * Starts a server at the port; without one, at 4800 or at a free one.
 * @throws UserError where it cannot listen
 */
export function atPort<Server>(
  host: string,
  port: number | undefined,
  start: (port: number) => Server,
): Server {
  try {
    return start(port ?? defaultPort);
  } catch (thrown) {
    if (port === undefined && codeOf(thrown) === "EADDRINUSE") return atPort(host, 0, start);
    throw new UserError(
      `cannot listen at ${host}, port ${port ?? defaultPort}: ${reasonOf(thrown)}`,
      port === 0 ? undefined : "for a free port: --port 0",
    );
  }
}
