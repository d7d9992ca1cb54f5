// The way through a list that is shown in pages. The place in it is in the address.

import type { ComponentChildren } from "preact";

import { count } from "../format.ts";
import { hrefOf, param, withParams } from "../router.ts";

type PagesProps = {
  /** The parameter of the address that has the place. */
  readonly name: string;
  /** Null: this is the last page. */
  readonly next: number | null;
  readonly children?: ComponentChildren;
};

export const Pages = ({ name, next, children }: PagesProps) => (
  <nav class="toolbar" aria-label="pages">
    {param(name) === null ? null : (
      <a class="button" href={hrefOf(withParams({ [name]: null }))}>
        ← First page
      </a>
    )}
    {children}
    {next === null ? null : (
      <a
        class="button"
        href={hrefOf(withParams({ [name]: String(next) }))}
        onClick={() => scrollTo(0, 0)}
      >
        Next →
      </a>
    )}
  </nav>
);

type OffsetPagesProps = {
  readonly of: { readonly offset: number; readonly total: number };
  /** On this page. */
  readonly shown: number;
};

/** Nothing where one page has all. */
export function OffsetPages({ of: { offset, total }, shown }: OffsetPagesProps) {
  const end = offset + shown;
  return offset === 0 && end >= total ? null : (
    <Pages name="offset" next={end < total ? end : null}>
      <span class="soft">
        {count(offset + 1)} to {count(end)} of {count(total)}
      </span>
    </Pages>
  );
}
