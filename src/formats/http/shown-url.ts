/** An address for logs and tables: without user and password. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const shown = new URL(url);
  if (shown.username === "" && shown.password === "") return url;
  shown.username = "";
  shown.password = "";
  return shown.href;
}

/** @throws TypeError for what is no address of a web server */
export function checkAddress(url: string): void {
  if (/^https?:\/\//i.test(url) && URL.canParse(url)) return;
  throw new TypeError(`${JSON.stringify(url)} is not an http or https address`);
}
