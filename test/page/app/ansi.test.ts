import { expect, test } from "bun:test";

import { pieces } from "../../../src/page/app/ansi.ts";

const shown = (text: string): string =>
  pieces(text)
    .map(({ text: part, look }) => (look === "" ? part : `[${look}|${part}]`))
    .join("");

test.each([
  ["plain text stays", "a <b>c</b> & d", "a <b>c</b> & d"],
  ["a colour, and its end", "\x1b[31mred\x1b[0m plain", "[red|red] plain"],
  ["bright colours are the plain ones", "\x1b[92mok\x1b[39m.", "[green|ok]."],
  ["several at once", "\x1b[1;36mname\x1b[22m:\x1b[m x", "[bold cyan|name][cyan|:] x"],
  [
    "256 colours: the first 16 are known, others are plain",
    "\x1b[38;5;1ma\x1b[38;5;200mb",
    "[red|a]b",
  ],
  ["the parts of a colour are no codes of their own", "\x1b[48;2;31;1;4mx\x1b[38;2;1;2;3my", "xy"],
  [
    "dim, italic and underlined",
    "\x1b[2ma\x1b[22;3mb\x1b[23;4mc\x1b[24md",
    "[dim|a][italic|b][underline|c]d",
  ],
  [
    "links, titles and movements are left out",
    "\x1b]8;;http://x\x07a\x1b]8;;\x1b\\\x1b[2K\x1b[1Ab",
    "ab",
  ],
  ["control characters are left out, line ends stay", "a\0\r\n\tb\x7f\x1bc", "a\n\tb"],
  ["a sequence that is cut", "a\x1b[3", "a"],
])("%s", (_, text, expected) => {
  expect(shown(text)).toBe(expected);
});
