// What is shown instead of data: loading, nothing there, an error with the next step.

import type { ComponentChildren } from "preact";

import type { OfTasks } from "../../contract.ts";
import { count } from "../format.ts";
import { hrefOf } from "../router.ts";
import { isReport, type SourceError } from "../source.ts";
import type { Loaded } from "../use-data.ts";

export const Empty = ({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) => (
  <div class="empty">
    <h2>{title}</h2>
    {children}
  </div>
);

export const Failed = ({ error }: { readonly error: SourceError }) => (
  <div class="empty failed" role="alert">
    <h2>{error.message}</h2>
    {error.next === undefined ? null : <p>{error.next}</p>}
    {error.status === 404 && !isReport ? (
      <a href={hrefOf("/runs")}>The runs that there are</a>
    ) : null}
  </div>
);

/** What went wrong beside what is shown. */
export const Problem = ({
  children,
  next,
}: {
  readonly children: ComponentChildren;
  readonly next?: string | null | undefined;
}) => (
  <p class="problem" role="alert">
    {children}
    {next === undefined || next === null ? null : <small>{next}</small>}
  </p>
);

/** A million tasks take a second or two. */
export function Reading({ of: { isComplete, indexed, planned } }: { readonly of: OfTasks }) {
  if (isComplete) return null;
  const whole = Math.max(planned ?? 0, indexed, 1);
  return (
    <p class="reading soft" role="status">
      Reading the tasks: {count(indexed)} of {count(whole)}
      <progress value={indexed} max={whole} />
    </p>
  );
}

type Props<T> = { readonly of: Loaded<T>; readonly children: (data: T) => ComponentChildren };

/** The data, or what stands for it. */
export function Show<T>({ of, children }: Props<T>) {
  switch (of.type) {
    case "loading":
      return <div class="loading" role="status" aria-label="loading" />;
    case "failed":
      return <Failed error={of.error} />;
    case "ready":
      return <div class={`shown ${of.isOld ? "is-old" : ""}`}>{children(of.data)}</div>;
  }
}
