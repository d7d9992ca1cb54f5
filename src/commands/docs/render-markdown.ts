// The reference as Markdown.

import type { Block, Part } from "./reference-blocks.ts";

export function renderMarkdown(parts: readonly Part[], title: string): string {
  const body = parts.flatMap((part) => [
    `## ${part.title}`,
    ...part.sections.flatMap(({ blocks }) => blocks.map(markdownOf)),
  ]);
  return `# ${title}\n\n${body.join("\n\n")}\n`;
}

function markdownOf(block: Block): string {
  switch (block.type) {
    case "heading":
      return `${"#".repeat(block.level + 1)} ${block.text}`;
    case "text":
      return escaped(block.text);
    case "code":
      return `\`\`\`${block.language}\n${block.text}\n\`\`\``;
    case "list":
      return block.items.map((item) => `- ${escaped(item)}`).join("\n");
    case "terms":
      return [
        ...(block.title === "" ? [] : [`**${block.title}**\n`]),
        ...block.rows.map(({ label, text }) => `- ${inCode(label.trim())}: ${escaped(text)}`),
      ].join("\n");
  }
}

/** What is no code span: `<`, `*` and `_` would be read as tags and emphasis. */
const escaped = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith("`") ? part : part.replaceAll(/[<*_]/g, String.raw`\$&`)))
    .join("");

const inCode = (text: string): string => (text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``);
