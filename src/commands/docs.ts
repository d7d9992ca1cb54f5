// `pipeloom docs [topic]`: the reference of the commands and the API.

import { colorLevel, paletteOf } from "../base/palette.ts";
import { didYouMean, nearest } from "../base/suggest.ts";
import type { CommandEntry } from "../cli/cli-definition.ts";
import { type CliCommand, defineCliCommand } from "../cli/command.ts";
import { quote } from "../cli/flag-values.ts";
import { print } from "../cli/stdout.ts";
import { UsageError } from "../cli/usage-error.ts";
import type { Part, Section } from "./docs/reference-blocks.ts";
import { page, pagerOf } from "./docs/pager.ts";

const formats = {
  markdown: async (parts: readonly Part[]) => {
    const { renderMarkdown } = await import("./docs/render-markdown.ts");
    const { version } = await import("../version.ts");
    return renderMarkdown(parts, `pipeloom ${version}: reference`);
  },
  man: async (parts: readonly Part[]) => (await import("./docs/render-man.ts")).renderMan(parts),
} as const;

/** @param commands those that it shows, with itself */
export const docsCommand = (commands: readonly CommandEntry[]): CliCommand =>
  defineCliCommand({
    meta: {
      name: "docs",
      details:
        "Shows every command with its flags, the environment variables, the exit codes, a guide with the details of the README, and every function and type of the API; or one topic. In a terminal through a pager. Made from the same definitions as the help and the types in your editor.",
      examples: [
        { line: "pipeloom docs task", what: "the function task; also: docs run, docs environment" },
        { line: "pipeloom docs guide", what: "the guide; one topic of it: docs reuse" },
        {
          line: "pipeloom docs --format man > ~/.local/share/man/man1/pipeloom.1",
          what: "for man pipeloom",
        },
      ],
    },
    args: {
      topic: {
        type: "positional",
        required: false,
        valueHint: "topic",
        description:
          "a command, a function or type, environment, exit-codes, guide, or a topic of the guide",
      },
      format: {
        type: "enum",
        alias: "f",
        options: ["text", "markdown", "man"],
        default: "text",
        description: "text for a terminal, Markdown, or a man page",
      },
    },
    async run({ topic, format }) {
      const { reference } = await import("./docs/reference.ts");
      const all = await reference(commands);
      const parts = topic === undefined ? all : [partOf(topic, all)];
      if (format !== "text") print(await formats[format](parts));
      else await show(parts);
      return 0;
    },
  });

/** @throws UsageError */
function partOf(topic: string, parts: readonly Part[]): Part {
  const asked = topic.toLowerCase();
  const whole = parts.find(({ title }) => title.toLowerCase() === asked);
  if (whole !== undefined) return whole;
  const found =
    partWith(({ topic: name }) => name.toLowerCase() === asked, parts) ??
    partWith((section) => hasMember(section, asked.replace(/^ctx\.?/, "")), parts);
  if (found !== undefined) return found;
  const topics = parts.flatMap(({ title, sections }) => [
    title.toLowerCase(),
    ...sections.map((section) => section.topic),
  ]);
  throw new UsageError(
    `there is no topic ${quote(topic)}`,
    didYouMean(nearest(topic, topics)) ?? "to see all of them: pipeloom docs",
  );
}

/** Undefined where no section is so. */
function partWith(fits: (section: Section) => boolean, parts: readonly Part[]): Part | undefined {
  const part = parts.find(({ sections }) => sections.some(fits));
  if (part === undefined) return undefined;
  return { title: part.title, sections: parts.flatMap(({ sections }) => sections.filter(fits)) };
}

/** `ctx.upsert`, `retries`: the types that declare the member. Without a name it is `ctx` itself. */
function hasMember({ topic, blocks }: Section, name: string): boolean {
  if (name === "") return topic === "TaskContext";
  if (!/^\w+$/.test(name)) return false;
  const member = new RegExp(`^\\s+(?:readonly )?${name}[?(<:]`, "im");
  return blocks.some((block) => block.type === "code" && member.test(block.text));
}

async function show(parts: readonly Part[]): Promise<void> {
  const { renderText } = await import("./docs/render-text.ts");
  const { stdout, env } = process;
  const colors = paletteOf(colorLevel(env, stdout.isTTY));
  const text = renderText(parts, { columns: stdout.isTTY ? stdout.columns : 80, colors });
  const pager = stdout.isTTY && env["TERM"] !== "dumb" ? pagerOf(env, process.platform) : undefined;
  if (pager === undefined || !(await page(text, pager, env))) print(text);
}
