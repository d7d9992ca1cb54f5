// Text of a terminal, with its colours.

import { pieces } from "../ansi.ts";

export const AnsiText = ({ text }: { readonly text: string }) => (
  <>
    {pieces(text).map(({ text: part, look }, index) =>
      look === "" ? (
        part
      ) : (
        <span key={index} class={`ansi ${look}`}>
          {part}
        </span>
      ),
    )}
  </>
);
