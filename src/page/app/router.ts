// The address: each view has one. `/runs/12/tasks?status=error` is a path and parameters; links inside the page change it without
// loading anything.

import { computed, signal } from "@preact/signals";

import { baseIn, report } from "./source.ts";

type Address = {
  /** Of a database: see `baseIn`. */
  readonly base: string;
  readonly path: string;
  readonly search: URLSearchParams;
};

/** A report has no server: its address is in the fragment. */
const addressNow = (): Address => {
  const text =
    report === undefined
      ? location.pathname + location.search
      : location.hash.slice(1) || report.entry;
  const { pathname, searchParams } = new URL(text, "http://page");
  const base = baseIn(pathname);
  return { base, path: pathname.slice(base.length) || "/", search: searchParams };
};

const address = signal(addressNow());

/** The parts of the path: `["runs", "12", "tasks"]`. */
export const parts = computed(() => address.value.path.split("/").filter((part) => part !== ""));

export const baseNow = computed(() => address.value.base);

/** @param database its number; null: the page shows one */
export const baseOf = (database: number | null): string =>
  database === null ? "" : `/db/${database}`;

/** Whether `href` is the path that is shown, or above it. */
export const isWithin = (path: string): boolean =>
  address.value.path === path || address.value.path.startsWith(`${path}/`);

/** @param base of a database; default: of the one that is looked at */
export const hrefOf = (path: string, base: string = baseNow.value): string =>
  report === undefined ? base + path : `#${path}`;

/** @param replace the back button leaves out the address that is shown: for filters that are typed */
export const go = (path: string, replace = false, base?: string): void =>
  follow(hrefOf(path, base), replace);

function follow(href: string, replace: boolean): void {
  const before = address.value.path;
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  address.value = addressNow();
  // Another view begins at its beginning.
  if (address.value.path !== before) scrollTo(0, 0);
}

/** The address with other parameters; null takes one away. */
export function withParams(changes: Readonly<Record<string, string | null>>): string {
  const search = new URLSearchParams(address.value.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") search.delete(name);
    else search.set(name, value);
  }
  const text = search.toString();
  return address.value.path + (text === "" ? "" : `?${text}`);
}

/** Those of the address that have one of these names, for a question to the server. */
export function searchOf(names: readonly string[]): URLSearchParams {
  const search = new URLSearchParams();
  for (const name of names) for (const value of params(name)) search.append(name, value);
  return search;
}

/** Of one that may be there several times. */
export const params = (name: string): readonly string[] => address.value.search.getAll(name);

export const param = (name: string): string | null => address.value.search.get(name);

addEventListener("popstate", () => (address.value = addressNow()));
addEventListener("hashchange", () => (address.value = addressNow()));

/** Clicks on links of the page; a new tab, a download or another site stay the browser's. */
addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.target !== "" || link.hasAttribute("download") || link.origin !== location.origin)
    return;
  event.preventDefault();
  follow(
    report === undefined ? link.pathname + link.search : `#${link.hash.slice(1) || report.entry}`,
    false,
  );
});
