// `pipeloom __complete --current=<word> -- <words before>`, called by the shell scripts. Prints one candidate a line, with its
// description after a tab. The last line tells the shell whether to add files.

import type { CliDefinition } from "../cli-definition.ts";
import { answer } from "./answer.ts";
import type { Answer } from "./candidates.ts";

/** @returns the text for stdout; empty after an error: a message in the middle of a prompt helps nobody */
export async function complete(
  args: readonly string[],
  cli: Pick<CliDefinition, "commands" | "completionSources">,
): Promise<string> {
  const [flag = "", , ...before] = args;
  try {
    return render(await answer(before, flag.replace(/^--current=/, ""), cli));
  } catch {
    return "";
  }
}

function render(result: Answer): string {
  const candidates = result.kind === "folders" ? [] : result.candidates;
  const lines = candidates.map(({ text, what }) =>
    what === "" ? text : `${text}\t${oneLine(what)}`,
  );
  return `${[...lines, directive(result)].join("\n")}\n`;
}

function directive(result: Answer): string {
  if (result.kind !== "files") return `:${result.kind}`;
  return [":files", ...result.extensions].join(" ");
}

/** Control characters would reach the terminal, and a line break would start another candidate. */
// eslint-disable-next-line no-control-regex
const oneLine = (text: string): string => text.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, " ");
