// The form that starts a run: a field for each of the pipeline's params.

import { useEffect, useRef, useState } from "preact/hooks";

import type { FormView, ParamProblem, RunAnswer, RunRequest } from "../../contract-actions.ts";
import type { RunBrief } from "../../contract.ts";
import { asSourceError, post, type SourceError } from "../source.ts";
import { Check } from "../parts/check.tsx";
import { Problem } from "../parts/states.tsx";
import { Field } from "./form-field.tsx";
import { readForm, textOf, type Typed } from "./form-values.ts";
import { showJob } from "./started.ts";

type Props = {
  readonly run: RunBrief;
  /** Of its database. */
  readonly base: string;
  /** Its params are those to begin with. */
  readonly isAgain: boolean;
  readonly onClose: () => void;
};

type Form =
  | { readonly type: "loading" }
  | { readonly type: "failed"; readonly error: SourceError }
  | { readonly type: "ready"; readonly form: FormView };

export function RunForm({ run, base, isAgain, onClose }: Props) {
  const [form, setForm] = useState<Form>({ type: "loading" });
  useEffect(() => {
    post<FormView>(`${base}/actions/runs/${run.id}/form`, {}).then(
      (loaded) => setForm({ type: "ready", form: loaded }),
      (thrown: unknown) => setForm({ type: "failed", error: asSourceError(thrown) }),
    );
  }, [run.id]);
  switch (form.type) {
    case "loading":
      return (
        <>
          <p class="soft">Loading {run.file ?? "its file"}, to ask which params it has …</p>
          <div class="loading" role="status" aria-label="loading" />
        </>
      );
    case "failed":
      return (
        <>
          <p class="problem preformatted" role="alert">
            {form.error.message}
            {form.error.next === undefined ? null : <small>{form.error.next}</small>}
          </p>
          <footer>
            <button type="button" onClick={onClose}>
              Close
            </button>
          </footer>
        </>
      );
    case "ready":
      return <Fields run={run} base={base} isAgain={isAgain} onClose={onClose} form={form.form} />;
  }
}

function Fields({ run, base, isAgain, onClose, form }: Props & { readonly form: FormView }) {
  const [typed, setTyped] = useState<Typed>(() => (isAgain ? typedOf(form) : {}));
  const [isFresh, setIsFresh] = useState(false);
  const [isAsked, setIsAsked] = useState(false);
  const [problems, setProblems] = useState<readonly ParamProblem[]>([]);
  const change = (name: string, text: string): void => {
    setTyped((before) => ({ ...before, [name]: text }));
    setProblems((before) => before.filter((problem) => problem.name !== name));
  };
  const submit = async (): Promise<void> => {
    const read = readForm(form.fields, typed, isAgain ? form.used : {});
    const wrong = Object.entries(read.problems).map(([name, message]) => ({ name, message }));
    setProblems(wrong);
    if (wrong.length > 0) return;
    setIsAsked(true);
    const request = { params: read.params, isFresh };
    setProblems(await start(`${base}/actions/runs/${run.id}`, request, onClose));
    setIsAsked(false);
  };
  const element = useFirstFocus();
  return (
    <form
      ref={element}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p class="soft mono">{run.file}</p>
      <FieldList form={form} typed={typed} problems={problems} change={change} />
      <Check isOn={isFresh} set={setIsFresh}>
        a new run, also where an interrupted one with the same params could go on
      </Check>
      <footer>
        <button type="button" onClick={onClose}>
          Leave it
        </button>
        <button class="primary" disabled={isAsked}>
          {isAsked ? "Starting …" : "Run"}
        </button>
      </footer>
    </form>
  );
}

function useFirstFocus() {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, []);
  return form;
}

type ListProps = {
  readonly form: FormView;
  readonly typed: Typed;
  readonly problems: readonly ParamProblem[];
  readonly change: (name: string, text: string) => void;
};

function FieldList({ form: { fields, isOpen }, typed, problems, change }: ListProps) {
  const known = new Set(fields.map(({ name }) => name));
  const others = problems.filter(({ name }) => name === null || !known.has(name));
  const none = isOpen
    ? "Its schema does not say which params it takes. It runs with its defaults."
    : "It has no params.";
  return (
    <div class="fields">
      {fields.length === 0 ? <p>{none}</p> : null}
      {fields.map((field) => (
        <Field
          key={field.name}
          field={field}
          text={typed[field.name]}
          problem={problems.find(({ name }) => name === field.name)?.message}
          onChange={(text) => change(field.name, text)}
        />
      ))}
      {others.map(({ name, message }) => (
        <Problem key={message}>{name === null ? message : `${name} ${message}`}</Problem>
      ))}
    </div>
  );
}

/**
 * @param run its address
 * @returns what is in the way
 */
async function start(
  run: string,
  request: RunRequest,
  onStarted: () => void,
): Promise<readonly ParamProblem[]> {
  try {
    const answer = await post<RunAnswer>(`${run}/run`, request);
    if (answer.type === "refused") return answer.problems;
    showJob(answer.job);
    onStarted();
    return [];
  } catch (thrown) {
    const { message, next } = asSourceError(thrown);
    return [{ name: null, message: next === undefined ? message : `${message}: ${next}` }];
  }
}

/** The params of the run, as far as the form has a field for them. */
const typedOf = ({ fields, used }: FormView): Typed =>
  Object.fromEntries(
    fields.flatMap((field) => {
      const json = JSON.stringify(used[field.name]);
      return json === undefined || field.isSecret ? [] : [[field.name, textOf(field, json)]];
    }),
  );
