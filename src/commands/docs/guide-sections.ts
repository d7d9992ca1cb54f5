// The guide in the reference: topics, written in the part of Markdown that is read here (paragraphs, lists, fenced code).

import { type Block, code, heading, list, type Section, text } from "./reference-blocks.ts";

/** @param markdown each heading of the second level begins a topic, and is its name */
export function guideSections(markdown: string): Section[] {
  const [, ...sections] = markdown.split(/^## /m);
  return sections.map((section) => {
    const [topic = ""] = section.split("\n", 1);
    const blocks = blocksOf(section.slice(topic.length));
    return { topic, blocks: [heading(2, topic), ...blocks] };
  });
}

const blocksOf = (markdown: string): Block[] =>
  markdown.split(/^(```[^]*?^```)$/m).flatMap((piece) => {
    if (piece.startsWith("```")) return [codeOf(piece)];
    return piece
      .split(/\n{2,}/)
      .filter((prose) => prose.trim() !== "")
      .map(proseOf);
  });

/** The title of a fence is for tests. */
function codeOf(fence: string): Block {
  const [first = "", ...lines] = fence.split("\n");
  const [language = ""] = first.slice("```".length).split(" ", 1);
  return code(lines.slice(0, -1).join("\n"), language);
}

function proseOf(prose: string): Block {
  const [, ...items] = `\n${prose.trim()}`.split("\n- ");
  return items.length === 0 ? text(oneLine(prose)) : list(items.map(oneLine));
}

const oneLine = (lines: string): string => lines.replaceAll(/\s+/g, " ").trim();
