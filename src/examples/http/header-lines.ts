// Headers as a person types them: `Authorization: Bearer $TOKEN`. Variables are filled in where a request is made, so that their
// values are in no parameter, no input of a task and no history.

import { isSecretName } from "../../base/secret-name.ts";

type Env = Readonly<Record<string, string | undefined>>;

const headerLine = /^(?<name>[\w!#$%&'*+.^`|~-]+):[ \t]*(?<value>[^]*)$/;
const variable = /\$(?:\{(\w+)\}|([A-Za-z_]\w*))/g;

/** Pipeloom asks for parts and compression itself. */
const reserved = new Set(["accept-encoding", "range", "if-range", "host", "content-length"]);

/** @throws Error for what is no header, and for a secret that is not in a variable: it would be found in the database */
export function checkHeader(line: string): void {
  const { name, value } = parsed(line);
  if (isSecretName(name) && value.search(variable) === -1) {
    const example = /^authorization$/i.test(name) ? "Bearer $TOKEN" : "$TOKEN";
    throw new Error(
      `the value of ${name} would be stored with the run; name a variable that has it, in single quotes: '${name}: ${example}'`,
    );
  }
}

/** @throws Error for what is no header, for one that is there twice, and for a variable that is not set */
export function headersOf(lines: readonly string[], env: Env): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const { name, value } = parsed(line);
    const folded = name.toLowerCase();
    if (headers.has(folded)) throw new Error(`${name} is given twice; one header has one value`);
    headers.set(folded, filledIn(name, value, env));
  }
  return Object.fromEntries(headers);
}

function parsed(line: string): { readonly name: string; readonly value: string } {
  const { name, value } = headerLine.exec(line)?.groups ?? {};
  if (name === undefined || value === undefined) {
    throw new Error(`${JSON.stringify(line)} is no header; e.g. "Accept-Language: en"`);
  }
  if (reserved.has(name.toLowerCase())) throw new Error(`pipeloom sets ${name} itself`);
  return { name, value };
}

/** The messages do not show the value. */
function filledIn(name: string, value: string, env: Env): string {
  const filled = value.replaceAll(variable, (_, braced?: string, bare?: string) => {
    const wanted = braced ?? bare ?? "";
    const found = env[wanted];
    if (found === undefined || found === "") {
      throw new Error(`${name}: the variable ${wanted} is not set`);
    }
    return found;
  });
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(filled)) return filled;
  throw new Error(`${name}: its value has a line break, or a character that headers cannot have`);
}
