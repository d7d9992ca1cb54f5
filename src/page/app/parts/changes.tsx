// What differs between two runs: a figure in percent, the code of a task line by line.

import { useState } from "preact/hooks";

import type { DefinitionEdit, EditView } from "../../contract-runs.ts";
import { duration } from "../format.ts";
import { useData } from "../use-data.ts";
import { Show } from "./states.tsx";

type ChangeProps = {
  readonly from: number | null | undefined;
  readonly to: number | null | undefined;
};

/** Less is noise. */
const leastShare = 0.05;
const leastMs = 10;

/** Of a duration: less is better. */
export function DurationChange({ from, to }: ChangeProps) {
  if (typeof from !== "number" || typeof to !== "number") return <span class="soft">–</span>;
  if (from === to) return <span class="change soft">±0 %</span>;
  if (from === 0)
    return <span class={`change ${to < leastMs ? "soft" : "worse"}`}>+{duration(to)}</span>;
  const share = (to - from) / from;
  const isNoise = Math.abs(share) < leastShare || Math.abs(to - from) < leastMs;
  return (
    <span class={`change ${isNoise ? "soft" : share < 0 ? "better" : "worse"}`}>
      {shareText(share)}
    </span>
  );
}

/** `+12 %`, `−40 %`; from three times on `3.2×`. */
function shareText(share: number): string {
  if (share >= 2) return `${(share + 1).toFixed(1)}×`;
  const percent = Math.round(Math.abs(share) * 100);
  return `${share < 0 ? "−" : "+"}${percent === 0 ? "<1" : percent} %`;
}

type EditsProps = {
  readonly a: number;
  readonly b: number;
  readonly edits: readonly DefinitionEdit[] | null;
};

export function Edits({ a, b, edits }: EditsProps) {
  if (edits === null) {
    return <p class="soft">The database does not have the code of these runs’ tasks.</p>;
  }
  if (edits.length === 0) return <p class="soft">The code of the tasks is the same.</p>;
  return (
    <>
      <h2>Edits</h2>
      <div class="card edits">
        {edits.map((edit) => (
          <Edit key={edit.name} edit={edit} query={`a=${a}&b=${b}`} runs={[a, b]} />
        ))}
      </div>
    </>
  );
}

type EditProps = {
  readonly edit: DefinitionEdit;
  readonly query: string;
  readonly runs: readonly [number, number];
};

function Edit({ edit: { name, kind, hasCode }, query, runs: [a, b] }: EditProps) {
  const [isOpen, setIsOpen] = useState(false);
  if (kind !== "changed" || !hasCode) {
    const what = {
      added: `only in run ${b}`,
      removed: `only in run ${a}`,
      changed: "edited; its code is not kept",
    }[kind];
    return (
      <p>
        {name} <small>{what}</small>
      </p>
    );
  }
  return (
    <details onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>
        {name} <small>edited</small>
      </summary>
      {isOpen ? (
        <Diff path={`/data/compare/edit?${query}&task=${encodeURIComponent(name)}`} />
      ) : null}
    </details>
  );
}

const signs = { same: " ", removed: "-", added: "+", gap: "" } as const;

function Diff({ path }: { readonly path: string }) {
  const loaded = useData<EditView>(path, { isLive: false });
  return (
    <Show of={loaded}>
      {({ lines }) =>
        lines === null ? (
          <p class="soft">Too much differs to be shown.</p>
        ) : (
          <pre class="diff">
            {lines.map(({ kind, text }, index) => (
              <span key={index} class={kind}>
                {kind === "gap" ? "⋯" : `${signs[kind]} ${text}`}
              </span>
            ))}
          </pre>
        )
      }
    </Show>
  );
}
