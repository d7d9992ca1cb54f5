// Why there is no connection to an engine, and what to do. Pure.

import { toFailure } from "../../base/failure.ts";
import { passwordVariable } from "../../protocol/engine-secrets.ts";

/** Of several addresses that were tried, the first one's. */
export function codeOf(error: unknown): string | undefined {
  const { code, errors } = toFailure(error);
  return code ?? errors?.[0]?.code;
}

/** First words of what Redis answers to who may not enter. */
const answers: readonly (readonly [word: string, next: string])[] = [
  ["NOAUTH", `it wants a password: set ${passwordVariable}`],
  [
    "WRONGPASS",
    `the user or the password is wrong: the password is that of ${passwordVariable}, or else the one in the address`,
  ],
  ["NOPERM", "the user needs more rights: all commands, and keys that begin with pipeloom"],
];

/** What is wrong on the way there. */
const problems: Readonly<Record<string, string>> = {
  ECONNREFUSED: "does Redis run there, and is the port right?",
  ENOTFOUND: "no such host: is the name right?",
  EAI_AGAIN: "the name cannot be looked up now",
  ETIMEDOUT: "is the address right, and does a firewall let it through?",
  EHOSTUNREACH: "is the address right, and does a firewall let it through?",
};

/** @param shown the address, for people */
export function refusedText(shown: string, error: unknown): string {
  const { message } = toFailure(error);
  const next = answers.find(([word]) => message.startsWith(word))?.[1];
  if (next !== undefined) return `${shown}: ${message.replace(/\.$/, "")}; ${next}`;
  const problem = problems[codeOf(error) ?? ""];
  return problem === undefined ? `${shown}: ${message}` : `${shown}: ${message}; ${problem}`;
}
