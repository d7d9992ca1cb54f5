// The API in the reference: what `import … from "pipeloom"` gives, from the declarations that editors get, with their comments.

import type { HelpRow } from "../../cli/command.ts";
import {
  type Block,
  code,
  heading,
  type Part,
  type Section,
  terms,
  text,
} from "./reference-blocks.ts";

type Declaration = { readonly name: string; readonly comment: string; readonly code: string };

/** @param declarations the text of pipeloom's index.d.ts: statements begin in the first column, and one `export { … }` ends it */
export function apiParts(declarations: string): Part[] {
  const exported = exportsOf(declarations);
  const all = [...declarationsIn(declarations)];
  const pick = (title: string, fits: (name: string, isFunction: boolean) => boolean): Part => ({
    title,
    sections: all
      .filter(([name, own]) => fits(name, own.some(isFunctionDeclaration)))
      .map(([name, own]) => sectionOf(name, own)),
  });
  return [
    pick("Functions", (name, isFunction) => exported.has(name) && isFunction),
    pick("Types", (name, isFunction) => exported.has(name) && !isFunction),
    pick("Types that these are made of", (name) => !exported.has(name)),
  ];
}

const isFunctionDeclaration = (declared: Declaration): boolean =>
  declared.code.startsWith("declare function");

const exportsOf = (declarations: string): ReadonlySet<string> => {
  const [, list = ""] = /^export \{\n([^}]*)\};/m.exec(declarations) ?? [];
  return new Set(Array.from(list.matchAll(/^\s*(?:type )?(\w+),$/gm), ([, name = ""]) => name));
};

const statement =
  /^(?:\/\*\*(?<comment>(?:[^*]|\*(?!\/))*)\*\/\n)?(?<code>(?:declare (?:abstract )?(?:function|const|class)|type|interface) (?<name>\w+)[^\n]*\n(?:(?!\/\*\*|declare |type |interface |export )[^\n]*\n)*)/gm;

/** In the order of the file; a function may have several. */
function declarationsIn(declarations: string): Map<string, Declaration[]> {
  const all = Array.from(declarations.matchAll(statement), ({ groups }) => ({
    name: groups?.["name"] ?? "",
    comment: groups?.["comment"] ?? "",
    code: groups?.["code"]?.trimEnd() ?? "",
  }));
  return Map.groupBy(all, ({ name }) => name);
}

function sectionOf(name: string, own: readonly Declaration[]): Section {
  const comment = own.map((each) => each.comment).find((each) => each !== "") ?? "";
  const signature = own.map((each) => each.code.replace(/^declare /, "")).join("\n");
  return {
    topic: name,
    blocks: [heading(2, name), ...commentBlocks(comment), code(signature, "ts")],
  };
}

/** Paragraphs, then what the tags say. */
function commentBlocks(comment: string): Block[] {
  const lines = comment.split("\n").map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
  const [prose = "", ...tags] = lines.join("\n").split(/^(?=@\w)/m);
  const paragraphs = prose.split(/\n{2,}/).map(oneLine);
  return [
    ...paragraphs.filter((paragraph) => paragraph !== "").map(text),
    ...terms("", tags.map(rowOf)),
  ];
}

const oneLine = (lines: string): string => lines.replaceAll(/\s+/g, " ").trim();

/** `@param step steps done` → `step`; `@returns a node` → `returns`. */
function rowOf(tag: string): HelpRow {
  const [, kind = "", rest = ""] = /^@(\w+)\s*([^]*)$/.exec(tag) ?? [];
  const [, name = "", what = ""] = kind === "param" ? (/^(\S+)\s*([^]*)$/.exec(rest) ?? []) : [];
  return kind === "param"
    ? { label: name, text: oneLine(what) }
    : { label: kind, text: oneLine(rest) };
}
