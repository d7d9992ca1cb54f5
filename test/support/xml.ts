// A strict parser of the XML that pipeloom writes: elements, text with numeric references, one comment; nothing else is accepted.

export type Element = {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  readonly text: string;
};

export function parseXml(xml: string): Element {
  let at = 0;
  const fail = (what: string): Error => new Error(`${what} at ${at}: ${xml.slice(at, at + 40)}`);
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const sticky = new RegExp(pattern.source, "ysu");
    sticky.lastIndex = at;
    const found = sticky.exec(xml);
    if (found !== null) at += found[0].length;
    return found;
  };
  const skip = (): void => {
    while (take(/\s+|<\?xml [^?]*\?>|<!DOCTYPE [^>]*>|<!--(?:(?!--)[^])*-->/) !== null);
  };
  const element = (): Element => {
    const open = take(/<([A-Za-z]+)((?: [A-Za-z:]+="[^"<&]*")*)(\/?)>/);
    if (open === null) throw fail("no element");
    const [, name = "", given = "", empty] = open;
    const pairs = [...given.matchAll(/ ([A-Za-z:]+)="([^"]*)"/g)];
    const attributes = Object.fromEntries(pairs.map(([, key = "", value = ""]) => [key, value]));
    if (empty === "/") return { name, attributes, children: [], text: "" };
    const children: Element[] = [];
    let text = "";
    for (;;) {
      if (take(new RegExp(`</${name}>`)) !== null) return { name, attributes, children, text };
      const chars = take(/[^<&]+|&#\d+;/);
      if (chars !== null) {
        const [, code] = /^&#(\d+);$/.exec(chars[0]) ?? [];
        text += code === undefined ? lineFeeds(chars[0]) : String.fromCodePoint(Number(code));
      } else children.push(element());
    }
  };
  skip();
  const root = element();
  skip();
  if (at !== xml.length) throw fail("text after the end");
  return root;
}

/** As a parser reads line ends. */
const lineFeeds = (text: string): string => text.replaceAll(/\r\n?/g, "\n");

/** The text of the element at the path. @throws Error where there is none */
export function elementAt(root: Element, ...path: readonly string[]): Element {
  let element = root;
  for (const name of path) {
    const next = element.children.find((child) => child.name === name);
    if (next === undefined) throw new Error(`no ${name} in ${element.name}`);
    element = next;
  }
  return element;
}

export const textAt = (root: Element, ...path: readonly string[]): string =>
  elementAt(root, ...path).text;
