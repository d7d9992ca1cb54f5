// Which tasks are listed: each choice is in the address.

import { useEffect, useRef } from "preact/hooks";

import type { DefinitionsView, RunBrief } from "../../contract.ts";
import { count, time } from "../format.ts";
import { statuses, wordOf } from "../parts/status.tsx";
import { go, hrefOf, param, params, withParams } from "../router.ts";
import { isReport } from "../source.ts";
import { useData } from "../use-data.ts";

/** After the last key, ms. */
const typingMs = 250;

export function TaskFilters({ run }: { readonly run: RunBrief }) {
  const status = param("status") ?? "";
  return (
    <div class="filters toolbar">
      <SearchField
        label="search tasks"
        placeholder={`name, ${isReport ? "" : "input, "}error or #12`}
      />
      <div class="chips" role="group" aria-label="status">
        {statuses
          .filter((each) => run.counts[each] > 0 || each === status)
          .map((each) => (
            <a
              key={each}
              class={`chip ${each}`}
              aria-pressed={each === status}
              href={hrefOf(withParams({ status: each === status ? null : each, task: null }))}
            >
              {wordOf(each)} {count(run.counts[each])}
            </a>
          ))}
      </div>
      <Definition run={run} />
      <Chosen />
    </div>
  );
}

type SearchProps = { readonly label: string; readonly placeholder: string };

/** Sets `?text=`. */
export function SearchField({ label, placeholder }: SearchProps) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const field = useRef<HTMLInputElement>(null);
  const text = param("text") ?? "";
  const own = useRef(text);
  useEffect(() => {
    if (field.current === null || text === own.current) return;
    // The back button, or a link: what was typed for another address is over.
    clearTimeout(timer.current);
    own.current = text;
    field.current.value = text;
  }, [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <input
      ref={field}
      type="search"
      aria-label={label}
      placeholder={placeholder}
      defaultValue={text}
      onInput={({ currentTarget }) => {
        clearTimeout(timer.current);
        const typed = currentTarget.value;
        timer.current = setTimeout(() => {
          own.current = typed;
          go(withParams({ text: typed }), true);
        }, typingMs);
      }}
    />
  );
}

function Definition({ run }: { readonly run: RunBrief }) {
  const loaded = useData<DefinitionsView>(`/data/runs/${run.id}/definitions`);
  const [chosen = "", ...more] = params("definition");
  const known = loaded.type === "ready" ? loaded.data.definitions.map(({ name }) => name) : [];
  const names = chosen === "" || known.includes(chosen) ? known : [...known, chosen];
  if (names.length < 2 && chosen === "") return null;
  // A fan-out of the graph.
  if (more.length > 0) return <Several names={[chosen, ...more]} />;
  return (
    <select
      aria-label="definition"
      value={chosen}
      onChange={({ currentTarget }) =>
        go(withParams({ definition: currentTarget.value, task: null }))
      }
    >
      <option value="">every definition</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

const Several = ({ names }: { readonly names: readonly string[] }) => (
  <a class="button" title={names.join(", ")} href={hrefOf(withParams({ definition: null }))}>
    {names.length} definitions ✕
  </a>
);

/** What the timeline has chosen. */
function Chosen() {
  const [worker, machine = null, from, to] = ["worker", "machine", "from", "to"].map(param);
  return (
    <>
      {worker === null || worker === undefined ? null : (
        <a class="button" href={hrefOf(withParams({ worker: null, machine: null }))}>
          worker {worker}
          {machine === null || machine === "" ? "" : ` on ${machine}`} ✕
        </a>
      )}
      {from === null || from === undefined ? null : (
        <a class="button" href={hrefOf(withParams({ from: null, to: null }))}>
          {time(Number(from))} – {time(Number(to ?? from))} ✕
        </a>
      )}
    </>
  );
}
