// Colours of a terminal as text with classes: pieces that become text nodes. All other escape sequences are left out.

type Piece = {
  readonly text: string;
  /** Of the stylesheet: `bold red`. Empty: plain. */
  readonly look: string;
};

const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

/** CSI with its final byte; OSC up to its end; other escapes; and what is no text. */
const sequence =
  // eslint-disable-next-line no-control-regex
  /\x1b\[([\d;:?]*)([@-~]|$)|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[\0-\x08\x0b-\x1f\x7f]/g;

type Look = { readonly marks: ReadonlySet<string>; readonly colour: string };

const plain: Look = { marks: new Set(), colour: "" };

/** A line of a log may begin anywhere, so each text begins plain. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let look = plain;
  let from = 0;
  const add = (part: string): void => {
    if (part !== "") found.push({ text: part, look: classOf(look) });
  };
  for (const match of text.matchAll(sequence)) {
    add(text.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") look = after(look, match[1] ?? "");
  }
  add(text.slice(from));
  return found;
}

const classOf = ({ marks, colour }: Look): string =>
  [...marks, ...(colour === "" ? [] : [colour])].join(" ");

function after(look: Look, codes: string): Look {
  let { marks, colour } = look;
  const list = codes.split(/[;:]/).map(Number);
  for (let i = 0; i < list.length; i++) {
    const code = list[i] ?? 0;
    if (code === 0) ({ marks, colour } = plain);
    else if (code === 1) marks = new Set([...marks, "bold"]);
    else if (code === 2) marks = new Set([...marks, "dim"]);
    else if (code === 3) marks = new Set([...marks, "italic"]);
    else if (code === 4) marks = new Set([...marks, "underline"]);
    else if (code === 22) marks = without(marks, "bold", "dim");
    else if (code === 23) marks = without(marks, "italic");
    else if (code === 24) marks = without(marks, "underline");
    else if (code === 39) colour = "";
    else if (code >= 30 && code <= 37) colour = names[code - 30] ?? "";
    else if (code >= 90 && code <= 97) colour = names[code - 90] ?? "";
    else if (code === 38 || code === 48) {
      // A page with two themes has no place for 16 million colours: of the 256 the first 16 are those above.
      const index = list[i + 2] ?? 0;
      if (list[i + 1] === 5 && code === 38) colour = index < 16 ? (names[index % 8] ?? "") : "";
      i += list[i + 1] === 5 ? 2 : 4;
    }
  }
  return { marks, colour };
}

const without = (marks: ReadonlySet<string>, ...gone: readonly string[]): ReadonlySet<string> =>
  new Set([...marks].filter((mark) => !gone.includes(mark)));
