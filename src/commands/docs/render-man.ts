// The reference as a man page (roff with the macros of man(7)).

import { version } from "../../version.ts";
import { about } from "../about.ts";
import type { Block, Part } from "./reference-blocks.ts";

export function renderMan(parts: readonly Part[]): string {
  const { name, description } = about;
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}"`,
    ".SH NAME",
    `${name} \\- ${escaped(description)}`,
    ".SH SYNOPSIS",
    `.B ${name}`,
    ".I command",
    "[flags]",
    ...parts.flatMap(({ title, sections }) => [
      `.SH ${title.toUpperCase()}`,
      ...sections.flatMap(({ blocks }) => blocks.flatMap(manOf)),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

function manOf(block: Block): string[] {
  switch (block.type) {
    case "heading":
      return [`.SS ${escaped(block.text)}`];
    case "text":
      return [".PP", escaped(block.text)];
    case "list":
      return block.items.flatMap((item) => [".TP 3", escaped("•"), escaped(item)]);
    case "code":
      return [".PP", ".RS 4", ".nf", ...block.text.split("\n").map(escaped), ".fi", ".RE"];
    case "terms":
      return [
        ...(block.title === "" ? [] : [".PP", `.B ${escaped(block.title)}`]),
        ...block.rows.flatMap(({ label, text }) => [
          ".TP",
          `.B ${escaped(label.trim())}`,
          escaped(text),
        ]),
      ];
  }
}

/**
 * A line that begins with a dot or a quote is a macro; a bare hyphen is a dash, which nobody can paste; and troff reads no
 * UTF-8 by itself.
 */
const escaped = (line: string): string =>
  line
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/[^\0-\x7f]/gu, (char) => `\\[u${hexOf(char)}]`)
    .replace(/^(?=[.'])/, "\\&");

const hexOf = (char: string): string =>
  (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
