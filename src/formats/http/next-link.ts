// The next page of a response: `Link: <…>; rel="next"` (RFC 8288).

const link =
  /<([^>]*)>((?:\s*;\s*[\w!#$&+\-.^`|~*]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)/g;
const parameter = /;\s*([\w!#$&+\-.^`|~*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))/g;

/**
 * The address of the next page, or null. User and password of this page's address are kept for the same origin only.
 * @throws Error for a link that is not an http or https address
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
    // RFC 8288: the first parameter of a name counts.
    if (!values.has(key)) values.set(key, quoted ?? plain);
  }
  // A link with an anchor describes another page, not this one.
  if (values.has("anchor")) return false;
  return (values.get("rel") ?? "").toLowerCase().split(/\s+/).includes("next");
}

function resolved(target: string, pageUrl: string): string {
  const page = new URL(pageUrl);
  if (!URL.canParse(target, pageUrl))
    throw new Error(`the next page's address is not valid: ${target}`);
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
