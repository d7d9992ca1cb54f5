// A checkbox with its words.

import type { ComponentChildren } from "preact";

type Props = {
  readonly isOn: boolean;
  readonly set: (isOn: boolean) => void;
  readonly children: ComponentChildren;
};

export const Check = ({ isOn, set, children }: Props) => (
  <label class="check">
    <input
      type="checkbox"
      checked={isOn}
      onChange={({ currentTarget }) => set(currentTarget.checked)}
    />
    <span>{children}</span>
  </label>
);
