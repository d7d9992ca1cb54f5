// The log of a run.

import type { RunBrief } from "../../contract.ts";
import { go, hrefOf, param, searchOf, withParams } from "../router.ts";
import { isReport } from "../source.ts";
import { LogLines } from "./log-lines.tsx";
import { SearchField } from "./task-filters.tsx";

const levels = [
  ["debug", "all levels"],
  ["info", "info and above"],
  ["warn", "warnings and errors"],
  ["error", "errors"],
] as const;

export function Logs({ run }: { readonly run: RunBrief }) {
  const filters = searchOf(["level", "text"]);
  return (
    <section class="card logs" aria-label="log">
      <div class="filters toolbar">
        <SearchField label="search the log" placeholder="text of a line" />
        <select
          aria-label="level"
          value={param("level") ?? "debug"}
          onChange={({ currentTarget }) => go(withParams({ level: currentTarget.value }))}
        >
          {levels.map(([level, title]) => (
            <option key={level} value={level}>
              {title}
            </option>
          ))}
        </select>
        {isReport ? null : (
          <a class="button" href={hrefOf(`/data/runs/${run.id}/log-file?${filters}`)} download>
            Save as a file
          </a>
        )}
      </div>
      <LogLines key={filters.toString()} run={run.id} filters={filters} />
    </section>
  );
}
