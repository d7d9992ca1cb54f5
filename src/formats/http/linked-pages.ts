// The pages that responses link to with `Link: <…>; rel="next"`.

import { grouped } from "../../base/text.ts";
import { nextPage } from "./next-link.ts";
import { shownUrl } from "./shown-url.ts";

type Page = { readonly url: string; readonly response: Response };

/**
 * @param get requests a page; called when the page before is done with
 * @throws Error for links that form a loop, and for more than `mostPages` pages
 */
export async function* linkedPages(
  url: string,
  mostPages: number,
  get: (url: string) => Promise<Response>,
): AsyncGenerator<Page> {
  const visited = new Set<string>();
  for (let page: string | null = url; page !== null;) {
    if (visited.has(page)) {
      throw new Error(
        `${shownUrl(page)}: this page was already read: rel="next" links form a loop`,
      );
    }
    if (visited.size >= mostPages) {
      throw new Error(
        `${shownUrl(page)}: ${grouped(mostPages)} pages were read, and rel="next" links to more: they may have no end (maxPages sets another bound)`,
      );
    }
    visited.add(page);
    const response = await get(page);
    yield { url: page, response };
    page = nextPage(response.headers.get("link"), response.url === "" ? page : response.url);
  }
}
