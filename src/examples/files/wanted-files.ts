// Lines with addresses → the files to download, each with a name of its own.

import { checkAddress, shownUrl } from "../../formats/http/shown-url.ts";
import { uniqueNames } from "./file-name.ts";

type Listed = { url: string; sha256: string | null };
export type Wanted = Listed & { name: string };

/**
 * @param lines `https://… [sha256]`; blank lines and `#` comments are left out
 * @param known address → file name from earlier downloads, so that a file keeps its name when the list changes
 * @throws Error for a line that is something else, and for an address with two checksums
 */
export function wantedFiles(
  lines: readonly string[],
  known: ReadonlyMap<string, string>,
): readonly Wanted[] {
  const wanted = oncePerUrl(
    lines
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map(parseLine),
  );
  const names = uniqueNames(
    wanted.map(({ url }) => shownUrl(url)),
    known,
  );
  return wanted.map((one, index) => {
    const name = names[index];
    if (name === undefined) throw new Error("Internal error: an address without a name");
    return { ...one, name };
  });
}

function parseLine(line: string): Listed {
  const [url = "", sha256 = null, ...more] = line.split(/\s+/);
  checkAddress(url);
  if (more.length > 0) {
    throw new TypeError(
      `${shownUrl(url)}: a line is an address and optionally its SHA-256; nothing may follow`,
    );
  }
  if (sha256 !== null && !/^[\da-f]{64}$/i.test(sha256)) {
    throw new TypeError(
      `${shownUrl(url)}: ${JSON.stringify(sha256)} is not a SHA-256 in hexadecimal`,
    );
  }
  return { url, sha256: sha256?.toLowerCase() ?? null };
}

/** Merges addresses that are listed twice. @throws Error for an address with two checksums */
function oncePerUrl(listed: readonly Listed[]): readonly Listed[] {
  const found = new Map<string, Listed>();
  for (const { url, sha256 } of listed) {
    const before = found.get(shownUrl(url))?.sha256 ?? null;
    if (before !== null && sha256 !== null && before !== sha256) {
      throw new Error(`${shownUrl(url)}: listed with two checksums, ${before} and ${sha256}`);
    }
    found.set(shownUrl(url), { url, sha256: sha256 ?? before });
  }
  return [...found.values()];
}
