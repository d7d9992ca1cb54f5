// The one HTML document: the page, and a report with its data inside. Script and style are inline, and named by their hashes in the
// policy: nothing else runs, and nothing is loaded from anywhere.

import { createHash } from "node:crypto";

import { JSON } from "../base/globals.ts";
import type { AppFiles } from "./app-files.ts";

/** A report has it within its first 200 bytes. */
export const reportMark = '<meta name="generator" content="pipeloom report">';

export type PageDocument = { readonly html: string; readonly policy: string };

/** @param embedded what a report shows, as JSON (contract-report.ts). Absent: the page asks its server */
export function pageDocument(
  { script, style }: AppFiles,
  title: string,
  embedded?: object,
): PageDocument {
  const own = escapeEnd(script, "script");
  const css = escapeEnd(style, "style");
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(own)}'`,
    // The plots place their parts by style attributes.
    `style-src '${hashOf(css)}'`,
    "img-src data:",
    `connect-src ${embedded === undefined ? "'self'" : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  // A browser ignores `frame-ancestors` in a document.
  const inDocument = embedded === undefined ? "" : policyTag(policy);
  const data = embedded === undefined ? "" : dataTag(embedded);
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${embedded === undefined ? "" : `${reportMark}\n`}${inDocument}<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="${icon}">
<title>${escapeHtml(title)}</title>
<style>${css}</style>
</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript.</noscript>
${data}<script>${own}</script>
</body>
</html>
`;
  return { html, policy: `${policy}; frame-ancestors 'none'` };
}

const policyTag = (policy: string): string =>
  `<meta http-equiv="Content-Security-Policy" content="${policy}">\n`;

/** JSON in a script element that does not run. No `<` in it: a `</script>` or `<!--` of the data would end or open an element. */
const dataTag = (embedded: unknown): string =>
  `<script type="application/json" id="embedded">${JSON.stringify(embedded).replaceAll("<", String.raw`\u003c`)}</script>\n`;

const hashOf = (text: string): string =>
  `sha256-${createHash("sha256").update(text).digest("base64")}`;

/** In a string of the script `<\/` means the same. */
const escapeEnd = (text: string, element: string): string =>
  text.replaceAll(new RegExp(`</(?=${element})`, "gi"), String.raw`<\/`);

const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** Three threads that become one. */
const icon = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#3457d5"/><path d="M3 4h3c3 0 2 4 5 4h2M3 12h3c3 0 2-4 5-4M3 8h8" fill="none" stroke="#fff" stroke-width="1.5" stroke-linecap="round"/></svg>`,
)}`;
