// One task: its error first, then what it was given and gave, and what it cost and logged.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

import type {
  AttemptView,
  Failure,
  NeededTask,
  RunBrief,
  StoredText,
  TaskView,
} from "../../contract.ts";
import { RerunTask } from "../actions/run-actions.tsx";
import { count, duration, time } from "../format.ts";
import { Show } from "../parts/states.tsx";
import { Status, wordOf } from "../parts/status.tsx";
import { go, hrefOf, withParams } from "../router.ts";
import { taskTookText } from "../took.ts";
import { report } from "../source.ts";
import { useData } from "../use-data.ts";
import { LogLines } from "./log-lines.tsx";

type Props = { readonly run: RunBrief; readonly task: number };

export function TaskDrawer({ run, task }: Props) {
  const loaded = useData<TaskView>(`/data/runs/${run.id}/tasks/${task}`);
  useEffect(() => {
    const close = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.defaultPrevented) go(withParams({ task: null }));
    };
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, []);
  return (
    <aside class="drawer card" aria-label={`task ${task}`}>
      <a class="close" href={hrefOf(withParams({ task: null }))} aria-label="close">
        ✕
      </a>
      <Show of={loaded}>
        {(view) => (
          <>
            <Head run={run} view={view} />
            {view.error === null ? null : <ErrorPart error={view.error} place={view.place} />}
            <Culprits run={run} tasks={view.culprits} />
            <Attempts attempts={view.attempts} />
            <Facts view={view} />
            {report === undefined || Object.hasOwn(report.details, task) ? null : (
              <p class="soft">A report has no more of this task; the database has all.</p>
            )}
            <Stored title="Input" of={view.input} />
            <Stored title="Result" of={view.result} />
            <Needs run={run} view={view} />
            <Part title="Log">
              <LogLines run={run.id} task={task} />
            </Part>
          </>
        )}
      </Show>
    </aside>
  );
}

const Part = ({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}) => (
  <section>
    <h3>{title}</h3>
    {children}
  </section>
);

type HeadProps = { readonly run: RunBrief; readonly view: TaskView };

const Head = ({ run, view: { task } }: HeadProps) => (
  <header>
    <h2>
      {task.name} {task.label} <small>#{task.id}</small>
    </h2>
    <div class="toolbar">
      <Status of={task.status} />
      {task.attempt === 0 ? null : (
        <RerunTask
          run={run}
          task={task.id}
          title={`${task.name}${task.label === null ? "" : ` ${task.label}`}`}
        />
      )}
    </div>
    {task.status === "running" && task.message !== null ? <p>{task.message}</p> : null}
  </header>
);

type ErrorProps = { readonly error: Failure; readonly place: string | null };

export const ErrorPart = ({ error, place }: ErrorProps) => (
  <section class="error-part" role="alert">
    <p class="message">
      <b>{error.name}</b>: {error.message}
      {error.code === undefined ? null : <small> {error.code}</small>}
    </p>
    {place === null ? null : (
      <p>
        at <code>{place}</code>
      </p>
    )}
    {error.stack === undefined ? null : (
      <details>
        <summary>Stack</summary>
        <pre>{error.stack}</pre>
      </details>
    )}
    {[...(error.errors ?? []), ...(error.cause === undefined ? [] : [error.cause])].map(
      (cause, index) => (
        <div class="cause" key={index}>
          <ErrorPart error={cause} place={null} />
        </div>
      ),
    )}
  </section>
);

function Attempts({ attempts }: { readonly attempts: readonly AttemptView[] }) {
  if (attempts.length === 0) return null;
  return (
    <Part title="Earlier attempts">
      <ol class="attempts">
        {attempts.map((each, index) => (
          <li key={index}>
            <span class="soft">
              attempt {each.attempt}
              {each.startedAt === null ? "" : `, ${time(each.startedAt)}`}
              {each.machine === null ? "" : ` on ${each.machine}`}
            </span>{" "}
            {wordOf(each.outcome)}
            {each.error === null ? null : `: ${each.error.message}`}
          </li>
        ))}
      </ol>
    </Part>
  );
}

function Facts({ view: { task, reason } }: { readonly view: TaskView }) {
  const facts: readonly (readonly [what: string, value: string | null])[] = [
    ["Started", task.startedAt === null ? null : time(task.startedAt)],
    ["Took", taskTookText(task)],
    ["Waited", task.waitedMs === null ? null : duration(task.waitedMs)],
    ["CPU time", task.cpuMs === null ? null : duration(task.cpuMs)],
    ["Rows written", task.rows === null ? null : count(task.rows)],
    ["Attempts", task.attempt > 1 ? count(task.attempt) : null],
    ["Worker", task.worker === null ? null : String(task.worker)],
    ["Machine", task.machine],
    ["Why", reason],
  ];
  return (
    <dl class="facts">
      {facts.map(([what, value]) =>
        value === null ? null : (
          <div key={what} class={what === "Why" ? "wide" : ""}>
            <dt>{what}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function Stored({ title, of }: { readonly title: string; readonly of: StoredText | null }) {
  if (of === null) return null;
  return (
    <Part title={title}>
      <pre class="stored">{of.isCut ? `${of.text}…` : indented(of.text)}</pre>
      {of.isCut ? <small>only the beginning</small> : null}
    </Part>
  );
}

/** Short texts stay one line. A number of more digits than a browser has would change: the text stays as it is. */
function indented(json: string): string {
  if (json.length < 60 || /\d{16}/.test(json)) return json;
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

type CulpritsProps = { readonly run: RunBrief; readonly tasks: readonly NeededTask[] };

function Culprits({ run, tasks }: CulpritsProps) {
  if (tasks.length === 0) return null;
  return (
    <Part title="Because of">
      <TaskLinks run={run} tasks={tasks} />
    </Part>
  );
}

function Needs({ run, view }: { readonly run: RunBrief; readonly view: TaskView }) {
  if (view.needs.length === 0) return null;
  return (
    <Part title="Needs">
      <TaskLinks run={run} tasks={view.needs} />
      {view.moreNeeds > 0 ? <small>and {count(view.moreNeeds)} more</small> : null}
    </Part>
  );
}

export const TaskLinks = ({ run, tasks }: CulpritsProps) => (
  <ul class="task-links">
    {tasks.map(({ id, name, label, status }) => (
      <li key={id}>
        <Status of={status} />{" "}
        <a href={hrefOf(`/runs/${run.id}/tasks?task=${id}`)}>
          {name} {label} <small>#{id}</small>
        </a>
      </li>
    ))}
  </ul>
);
