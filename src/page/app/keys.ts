// The keyboard, for all views. A view's own keys are its own.

import { signal } from "@preact/signals";

import { runsBase } from "./database.ts";
import { isPaused } from "./live.ts";
import { go } from "./router.ts";
import { isReport } from "./source.ts";
import { nextTheme } from "./theme.ts";

/** For the help. */
export const keys: readonly (readonly [keys: string, what: string])[] = [
  ["g p", "the pipelines"],
  ["g r", "the runs"],
  ["g s", "the schedules"],
  ["/", "search, or the first filter"],
  ["p", "pause, or go on"],
  ["t", "light, dark, or as the system"],
  ["← →", "the bars of a pipeline"],
  ["← → ↑ ↓", "the boxes of a graph"],
  ["Esc", "close what is open"],
  ["?", "this help"],
];

export const isHelpOpen = signal(false);

/** After `g`: where the next key goes. */
const places: Readonly<Record<string, () => void>> = {
  p: () => go("/", false, ""),
  r: () => go("/runs", false, runsBase.value),
  s: () => go("/schedules", false, ""),
};
let isGoing = false;

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return;
  const { key } = event;
  const place = isGoing ? places[key] : undefined;
  isGoing = key === "g" && !isReport;
  if (place !== undefined) place();
  else if (key === "?") isHelpOpen.value = true;
  else if (key === "/") focusSearch();
  else if (key === "p" && !isReport) isPaused.value = !isPaused.value;
  else if (key === "t") nextTheme();
  else return;
  event.preventDefault();
});

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest("input, select, textarea, [contenteditable]") !== null;

function focusSearch(): void {
  const first =
    document.querySelector<HTMLElement>("main input[type=search]") ??
    document.querySelector<HTMLElement>("main input:not([type=checkbox]), main select");
  first?.focus();
}
