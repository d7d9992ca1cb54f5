// The reference as text for a terminal.

import type { Palette } from "../../base/palette.ts";
import { renderTable } from "../../cli/help.ts";
import type { HelpStyle } from "../../cli/help.ts";
import type { Block, Part } from "./reference-blocks.ts";

const indent = 2;

export function renderText(parts: readonly Part[], style: HelpStyle): string {
  const blocks = parts.flatMap(({ title, sections }): Block[] => [
    { type: "heading", level: 1, text: title },
    ...sections.flatMap((section) => section.blocks),
  ]);
  return `${blocks.map((block) => blockText(block, style)).join("\n\n")}\n`;
}

function blockText(block: Block, style: HelpStyle): string {
  const { colors: p } = style;
  switch (block.type) {
    case "heading":
      return headingText(block, p);
    case "text":
      return indented(wrapped(block.text, style, indent));
    case "list":
      return indented(block.items.map((item) => itemText(item, style)).join("\n"));
    case "code":
      return indented(indented(p.cyan(block.text)));
    case "terms":
      return indented(renderTable(block, { ...style, columns: style.columns - indent }).trimEnd());
  }
}

const headingText = ({ level, text }: Extract<Block, { type: "heading" }>, p: Palette): string =>
  p.bold(level === 1 ? text.toUpperCase() : text);

const wrapped = (text: string, { columns }: HelpStyle, margin: number): string =>
  Bun.wrapAnsi(text, Math.min(columns, 100) - margin);

const itemText = (item: string, style: HelpStyle): string =>
  `- ${wrapped(item, style, indent + 2).replaceAll("\n", "\n  ")}`;

const indented = (lines: string): string => lines.replaceAll(/^(?=.)/gm, " ".repeat(indent));
