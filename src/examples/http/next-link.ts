// The next page of an answer: `Link: <…>; rel="next"` (RFC 8288).

const link =
  /<([^>]*)>((?:\s*;\s*[\w!#$&+\-.^`|~*]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)/g;
const parameter = /;\s*([\w!#$&+\-.^`|~*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))/g;

/**
 * The address of the next page, or null. A user and password in the address of this page are kept for the same
 * origin, and for no other.
 * @throws Error for a link that is no http or https address
 */
export function nextPage(header: string | null, pageUrl: string): string | null {
  for (const [, target = "", parameters = ""] of (header ?? "").matchAll(link)) {
    if (!isNext(parameters)) continue;
    return resolved(target, pageUrl);
  }
  return null;
}

function isNext(parameters: string): boolean {
  const values = new Map<string, string>();
  for (const [, name = "", quoted, plain = ""] of parameters.matchAll(parameter)) {
    const key = name.toLowerCase();
    // The first one counts.
    if (!values.has(key)) values.set(key, quoted ?? plain);
  }
  // A link with an anchor is about another page than this one.
  if (values.has("anchor")) return false;
  return (values.get("rel") ?? "").toLowerCase().split(/\s+/).includes("next");
}

function resolved(target: string, pageUrl: string): string {
  const page = new URL(pageUrl);
  if (!URL.canParse(target, pageUrl)) throw new Error(`the next page's address is ${target}`);
  const next = new URL(target, page);
  if (next.protocol !== "http:" && next.protocol !== "https:") {
    throw new Error(`the next page's address is ${target}, which is not http or https`);
  }
  next.hash = "";
  if (next.origin === page.origin && next.username === "" && next.password === "") {
    next.username = page.username;
    next.password = page.password;
  }
  return next.href;
}
