// What tells a task from others of its name: its label. The author gives one, or it is made of the scalars of the task's input:
// `day=2025-05-13 n=3`. Made only where it is shown.

import { JSON } from "../base/globals.ts";
import { fitMiddle, visible } from "../base/text.ts";
import { cutInput, cutMark, maxShortInput } from "./stored-input.ts";

/** What is known of a task's item. */
export type Item = {
  /** The author's. Empty: the node has a name of its own, which says enough. Absent: there is none. */
  readonly label?: string | undefined;
  /** As it is stored (stored-input.ts). Absent where it is not known or not to be stored. */
  readonly input?: string | undefined;
};

/** Columns of a value, and of a label that is made of an input. */
const maxValue = 40;
const maxLabel = 60;
/** Characters of an author's label. */
const maxOwn = 200;

/** Undefined where nothing tells the task from others of its name. */
export function labelOf({ label, input }: Item): string | undefined {
  if (label !== undefined) return label === "" ? undefined : label;
  return input === undefined ? undefined : labelOfInput(input);
}

/** `load day=2025-05-13` */
export const titleOf = (name: string, label: string | null | undefined): string =>
  label === undefined || label === null ? name : `${name} ${label}`;

export type Shown = {
  readonly name: string;
  /** What tells it from others of its name. */
  readonly label: string | null;
  /** Where several have the same title, it is shown too. */
  readonly id?: number;
};

/** Whether the screen shows the task so: `load day=1`, `load day=1 #17`, its label alone, or with its middle cut out. */
export function hasTitle(text: string, { name, label, id }: Shown): boolean {
  const title = visible(titleOf(name, label));
  const shown = [
    title,
    ...(id === undefined ? [] : [`${title} #${id}`]),
    ...(label === null ? [] : [visible(label)]),
  ];
  return shown.some((each) => each === text || isCut(text, each));
}

/** With one mark only: a label may have marks of its own. */
function isCut(text: string, whole: string): boolean {
  const [head = "", tail, ...others] = text.split("…");
  if (tail === undefined || others.length > 0) return false;
  const kept = head.length + tail.length;
  return kept > 0 && kept < whole.length && whole.startsWith(head) && whole.endsWith(tail);
}

/** What is written for programs and people outside: the label instead of the input that it is made of. */
export function labelled<Event extends object>(event: Event & Item): Event {
  if (!("input" in event) && !("label" in event)) return event;
  const { input: _, label: __, ...rest } = event;
  const label = labelOf(event);
  return (label === undefined ? rest : { ...rest, label }) as Event;
}

/** An author's label as it is stored: its first 200 characters. */
export const ownLabel = (label: string): string =>
  (label.length > maxOwn ? `${label.slice(0, maxOwn)}…` : label).toWellFormed();

/**
 * The scalars of the input: of an object its own, `day=2025-05-13 n=3`. Undefined where it has none. Control characters are
 * visible ones.
 * @param input JSON text, perhaps cut
 */
function labelOfInput(input: string): string | undefined {
  const text = input.length > maxShortInput + 1 ? cutInput(input, maxShortInput) : input;
  const label = text.startsWith("{") ? membersOf(text).join(" ") : scalarOf(text);
  return label === undefined || label === "" ? undefined : fitMiddle(label, maxLabel);
}

const scalarOf = (text: string): string | undefined => {
  scalar.lastIndex = 0;
  const match = scalar.exec(text);
  return match === null ? undefined : shownScalar(match[0]);
};

const space = String.raw`[ \t\r\n]*`;
const chars = String.raw`(?:[^"\\]|\\.)*`;
/** A string may lack its end where the input is cut; a number that lacks it is another one. */
const scalar = new RegExp(
  String.raw`"${chars}(?:"|$)|(?:-?\d[\d.eE+-]*|true|false|null)(?![…\d.eE+-])`,
  "y",
);
const key = new RegExp(`${space}("${chars}")${space}:${space}`, "y");
/** What is inside of a nested value, up to the next bracket. */
const inside = new RegExp(String.raw`(?:[^"{}[\]]|"${chars}")*`, "y");
const comma = new RegExp(`${space},`, "y");

/** `day=2025-05-13`, for each member that is a scalar. Reads as far as the text is JSON. */
function membersOf(text: string): string[] {
  const members: string[] = [];
  for (let at = 1; ;) {
    const name = matchAt(key, text, at);
    if (name === undefined) return members;
    at += name[0].length;
    const value = matchAt(scalar, text, at);
    const shown = value === undefined ? undefined : shownScalar(value[0]);
    if (shown !== undefined) members.push(`${visible(unquoted(name[1] ?? ""))}=${shown}`);
    at = value === undefined ? afterNested(text, at) : at + value[0].length;
    const next = matchAt(comma, text, at);
    if (next === undefined) return members;
    at += next[0].length;
  }
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

/** The end of the list or object that begins there, or of the text. */
function afterNested(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    at += matchAt(inside, text, at)?.[0].length ?? 0;
    const bracket = text[at];
    if (bracket === "{" || bracket === "[") depth++;
    else if (bracket !== "}" && bracket !== "]") break;
    else if (--depth === 0) return at + 1;
  }
  return text.length;
}

/** Undefined for null, which says nothing. */
function shownScalar(json: string): string | undefined {
  if (json === "null") return undefined;
  if (!json.startsWith('"')) return json;
  const value = visible(unquoted(json));
  // Quoted where it would run together with its neighbours.
  const isPlain = value !== "" && !/[\s="]/.test(value);
  return fitMiddle(isPlain ? value : JSON.stringify(value), maxValue);
}

/** The text of a JSON string. Where the input is cut, it may lack its end. */
function unquoted(json: string): string {
  const isWhole = json.length > 1 && json.endsWith('"');
  try {
    return JSON.parse(isWhole ? json : `${json.slice(0, -cutMark.length)}"`) + (isWhole ? "" : "…");
  } catch {
    return cutMark;
  }
}
