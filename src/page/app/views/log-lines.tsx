// Log lines, oldest first. While the last one is seen, new ones are followed.

import { useLayoutEffect, useRef, useState } from "preact/hooks";

import type { LogLine } from "../../contract.ts";
import { count } from "../format.ts";
import { AnsiText } from "../parts/ansi-text.tsx";
import { Failed, Problem } from "../parts/states.tsx";
import { hrefOf } from "../router.ts";
import { report } from "../source.ts";
import { useLog } from "../use-log.ts";

type Props = {
  readonly run: number;
  /** Only its lines. */
  readonly task?: number;
  /** As parameters. */
  readonly filters?: URLSearchParams;
};

export function LogLines({ run, task, filters = new URLSearchParams() }: Props) {
  const search = new URLSearchParams(filters);
  if (task !== undefined) search.set("task", String(task));
  const words = search.get("text") ?? "";
  const box = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const [log, loadEarlier] = useLog(`/data/runs/${run}/logs?${search}`, isAtEnd);
  useLayoutEffect(() => {
    if (isAtEnd && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [log.lines, isAtEnd]);
  if (log.error !== null && log.lines.length === 0) return <Failed error={log.error} />;
  if (log.lines.length === 0 && !log.isLoading && !log.hasEarlier) {
    return <NoLines words={words} />;
  }
  return (
    <div
      class="log"
      ref={box}
      tabIndex={0}
      role="log"
      aria-label="log"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
        setAtEnd(scrollHeight - scrollTop - clientHeight < 8)
      }
    >
      {log.hasEarlier ? (
        <button type="button" class="plain earlier" disabled={log.isLoading} onClick={loadEarlier}>
          {log.isPartial ? "Search further back" : "Earlier lines"}
        </button>
      ) : log.isLoading ? null : (
        <LeftOut />
      )}
      {log.lines.map((line) => (
        <Line key={line.row} {...{ run, line, words }} isOfOne={task !== undefined} />
      ))}
      {log.error === null ? null : <Problem next={log.error.next}>{log.error.message}</Problem>}
      {isAtEnd ? null : (
        <button type="button" class="to-end" onClick={() => setAtEnd(true)}>
          ↓ Newest
        </button>
      )}
    </div>
  );
}

/** Of a long log, a report has only the end. */
const LeftOut = () =>
  report?.hasEarlierLogs === true ? (
    <p class="soft no-lines">A report has the last lines; the database has all.</p>
  ) : null;

const NoLines = ({ words }: Pick<LineProps, "words">) => (
  <>
    <p class="soft no-lines">{words === "" ? "No lines." : "No line has that."}</p>
    <LeftOut />
  </>
);

type LineProps = {
  readonly run: number;
  readonly line: LogLine;
  readonly isOfOne: boolean;
  /** That are searched. */
  readonly words: string;
};

const Line = ({ run, line, isOfOne, words }: LineProps) => (
  <div class={`line ${line.level}`}>
    <time title={new Date(line.at).toISOString()}>{clock.format(line.at)}</time>
    <span class="level">{line.level}</span>
    {isOfOne ? null : (
      <a class="of" href={hrefOf(`/runs/${run}/tasks?task=${line.id}`)}>
        {line.task} {line.label}
      </a>
    )}
    <span class="text">
      <LineText text={line.line} words={words} />
    </span>
  </div>
);

/** Of a long line so many are shown: a hundred lines of 8,000 take a second to lay out. */
const maxChars = 1_000;

/** The part of a long line that has what is searched, and the rest on demand. */
function LineText({ text, words }: Pick<LineProps, "words"> & { readonly text: string }) {
  const [isWhole, setIsWhole] = useState(false);
  if (isWhole || text.length <= maxChars) return <AnsiText text={text} />;
  const found = text.toLowerCase().indexOf(words.toLowerCase());
  const from = found < maxChars / 2 ? 0 : found - maxChars / 2;
  return (
    <>
      {from === 0 ? "" : "… "}
      <AnsiText text={text.slice(from, from + maxChars)} />{" "}
      <button type="button" class="link" onClick={() => setIsWhole(true)}>
        … all {count(text.length)} characters
      </button>
    </>
  );
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});
