// The reference as a list of blocks, which text, Markdown and the man page are made of.

import type { HelpRow } from "../../cli/command.ts";

export type Block =
  | { readonly type: "heading"; readonly level: 1 | 2; readonly text: string }
  | { readonly type: "text"; readonly text: string }
  /** A term and what it means, line by line. */
  | { readonly type: "terms"; readonly title: string; readonly rows: readonly HelpRow[] }
  | { readonly type: "list"; readonly items: readonly string[] }
  | { readonly type: "code"; readonly language: string; readonly text: string };

/** What `pipeloom docs <topic>` shows. */
export type Section = { readonly topic: string; readonly blocks: readonly Block[] };

/** `Commands`, `Guide`: its title is a heading of the first level. */
export type Part = { readonly title: string; readonly sections: readonly Section[] };

export const heading = (level: 1 | 2, text: string): Block => ({ type: "heading", level, text });

export const text = (content: string): Block => ({ type: "text", text: content });

export const list = (items: readonly string[]): Block => ({ type: "list", items });

/** @param language as Markdown names it */
export const code = (content: string, language: string): Block => ({
  type: "code",
  language,
  text: content,
});

/** Nothing where there are no rows. */
export const terms = (title: string, rows: readonly HelpRow[]): Block[] =>
  rows.length === 0 ? [] : [{ type: "terms", title, rows }];
