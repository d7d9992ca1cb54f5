// One param of a run in its form.

import { useId, useState } from "preact/hooks";

import type { FormField } from "../../contract-actions.ts";
import { textOf } from "./form-values.ts";

type Props = {
  readonly field: FormField;
  /** Undefined: the default. */
  readonly text: string | undefined;
  readonly problem: string | undefined;
  readonly onChange: (text: string) => void;
};

export function Field({ field, text, problem, onChange }: Props) {
  const id = useId();
  const about = `${id}-about`;
  return (
    <div class={`field ${problem === undefined ? "" : "wrong"}`}>
      <label for={id}>
        {field.name} <small>{noteOf(field)}</small>
      </label>
      <Control
        field={field}
        value={text ?? (field.fallback === null ? "" : textOf(field, field.fallback))}
        onChange={onChange}
        common={{
          id,
          "aria-describedby": about,
          "aria-invalid": problem !== undefined,
          required: field.isRequired,
        }}
      />
      <p id={about} role={problem === undefined ? undefined : "alert"}>
        {problem ?? field.description}
      </p>
    </div>
  );
}

function noteOf({ kind, isRequired, isSecret, fallback }: FormField): string {
  const type = { text: "text", number: "number", boolean: "", choice: "", json: "JSON", any: "" }[
    kind
  ];
  const need = isRequired
    ? "needed"
    : isSecret
      ? "empty: its default"
      : fallback === null
        ? "optional"
        : "";
  return [type, need].filter((part) => part !== "").join(", ");
}

type ControlProps = {
  readonly field: FormField;
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly common: {
    readonly id: string;
    readonly "aria-describedby": string;
    readonly "aria-invalid": boolean;
    readonly required: boolean;
  };
};

const booleans = [true, false] as const;

function Control({ field, value, onChange, common }: ControlProps) {
  const { kind, isSecret } = field;
  // The browser leaves line ends out of an input.
  const [hasLines] = useState(() => value.includes("\n"));
  const hasChoices = kind === "boolean" || kind === "choice";
  if (hasChoices && !isSecret) {
    return <Choice field={field} value={value} onChange={onChange} common={common} />;
  }
  const props = {
    ...common,
    value,
    spellcheck: false,
    onInput: ({ currentTarget }: { currentTarget: { value: string } }) =>
      onChange(currentTarget.value),
  };
  if (isSecret) return <input {...props} type="password" autoComplete="new-password" />;
  if (kind === "json") return <textarea {...props} class="mono" rows={3} />;
  if (hasLines) return <textarea {...props} rows={3} />;
  return (
    <input {...props} autoComplete="off" inputMode={kind === "number" ? "decimal" : undefined} />
  );
}

const Choice = ({ field: { kind, choices, fallback }, value, onChange, common }: ControlProps) => (
  <select {...common} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
    {fallback === null ? <option value="">–</option> : null}
    {(kind === "boolean" ? booleans : choices).map((choice) => (
      <option key={String(choice)} value={JSON.stringify(choice)}>
        {String(choice)}
      </option>
    ))}
  </select>
);
