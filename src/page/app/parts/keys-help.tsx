// What the keys do.

import { isHelpOpen, keys } from "../keys.ts";
import { Modal } from "./modal.tsx";

const close = (): void => void (isHelpOpen.value = false);

export function KeysHelp() {
  if (!isHelpOpen.value) return null;
  return (
    <Modal title="Keyboard" onClose={close}>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(" ").map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <footer>
        <button type="button" onClick={close}>
          Close
        </button>
      </footer>
    </Modal>
  );
}
