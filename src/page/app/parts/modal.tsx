// A dialog in front of the page: it takes the focus, and Escape closes it.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

type Props = {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
};

export function Modal({ title, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      class="modal"
      aria-labelledby={id}
      onClose={onClose}
      // Escape closes the dialog only, and not also what is behind it.
      onKeyDown={(event) => event.stopPropagation()}
      onClick={({ target }) => {
        // The backdrop is the dialog itself: all that is inside is in its child.
        if (target === dialog.current) dialog.current?.close();
      }}
    >
      <div class="modal-inside">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
