// Why tasks failed: one block for each message, the most frequent first.

import type { FailureGroup, FailuresView, RunBrief } from "../../contract.ts";
import { count, counted } from "../format.ts";
import { AnsiText } from "../parts/ansi-text.tsx";
import { Empty, Show } from "../parts/states.tsx";
import { hrefOf } from "../router.ts";
import { useData } from "../use-data.ts";
import { ErrorPart, TaskLinks } from "./task-drawer.tsx";

export function Failures({ run }: { readonly run: RunBrief }) {
  const loaded = useData<FailuresView>(`/data/runs/${run.id}/failures`);
  return (
    <Show of={loaded}>
      {({ groups, isComplete }) =>
        !isComplete && groups.length === 0 ? (
          <div class="loading" role="status" aria-label="loading" />
        ) : groups.length === 0 ? (
          <Empty title="No task has failed">
            {run.status === "running" ? (
              <p>A failure is shown here as soon as it happens.</p>
            ) : null}
          </Empty>
        ) : (
          <>
            {groups.map((group) => (
              <Group key={group.message} run={run} group={group} />
            ))}
            {isComplete ? <Others run={run} groups={groups} /> : <p class="soft">Counting …</p>}
          </>
        )
      }
    </Show>
  );
}

/** The server gives so many groups. */
const maxGroups = 100;

function Others({
  run,
  groups,
}: {
  readonly run: RunBrief;
  readonly groups: readonly FailureGroup[];
}) {
  const others = run.counts.error - groups.reduce((sum, group) => sum + group.count, 0);
  if (groups.length < maxGroups || others <= 0) return null;
  return (
    <p>
      <a href={hrefOf(`/runs/${run.id}/tasks?status=error`)}>
        and {count(others)} more with other messages
      </a>
    </p>
  );
}

type GroupProps = { readonly run: RunBrief; readonly group: FailureGroup };

function Group({ run, group }: GroupProps) {
  const more = group.count - group.tasks.length;
  const like = new URLSearchParams({ status: "error", text: sharedWords(group.failure.message) });
  return (
    <article class="card failure-group">
      <p class="how-many">{counted(group.count, "task")}</p>
      <ErrorPart error={group.failure} place={group.place} />
      <TaskLinks run={run} tasks={group.tasks} />
      {more > 0 ? (
        <a href={hrefOf(`/runs/${run.id}/tasks?${like}`)}>and {count(more)} more like it</a>
      ) : null}
      {group.logs.length === 0 ? null : (
        <pre class="log-tail">
          {group.logs.map(({ line }, index) => (
            <span key={index}>
              <AnsiText text={line} />
              {"\n"}
            </span>
          ))}
        </pre>
      )}
    </article>
  );
}

/** What tasks with the same message have in common: what is between its numbers. Half a letter would be found nowhere. */
const sharedWords = (message: string): string =>
  /^.{0,80}/su.exec(message.replaceAll(/\d+/g, " "))?.[0].trim() ?? "";
