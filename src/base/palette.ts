// The styles of everything that is shown in a terminal, in as many colours as the terminal has.

/** 0 none, 1 sixteen, 2 256, 3 true colour. */
type ColorLevel = 0 | 1 | 2 | 3;
export type Env = Readonly<Record<string, string | undefined>>;

const levelOfDepth: Readonly<Record<number, ColorLevel>> = { 1: 0, 4: 1, 8: 2, 24: 3 };

/**
 * `FORCE_COLOR` overrides everything, then `NO_COLOR` (https://no-color.org), then the platform knows the terminal's
 * depth. An empty variable counts as unset.
 */
export function colorLevel(env: Env, isTty: boolean): ColorLevel {
  const { FORCE_COLOR: forced = "", NO_COLOR: refused = "" } = env;
  if (forced === "" && (refused !== "" || !isTty)) return 0;
  const { FORCE_COLOR: _, NO_COLOR: __, ...rest } = env;
  const asked = forced === "" ? rest : { ...rest, FORCE_COLOR: forced };
  // Loaded on demand: `node:tty` takes 6 ms, and output to a pipe needs none of it.
  const { WriteStream } = process.getBuiltinModule("node:tty");
  return levelOfDepth[WriteStream.prototype.getColorDepth(asked)] ?? 0;
}

export type Style = (text: string) => string;
export type Palette = {
  readonly level: ColorLevel;
  readonly dim: Style;
  readonly bold: Style;
  readonly red: Style;
  readonly green: Style;
  readonly yellow: Style;
  readonly cyan: Style;
  /** The finished part of a bar, and the remaining part. */
  readonly bar: Style;
  readonly track: Style;
};

const plain: Style = (text) => text;
// `util.styleText` has no 256 colours.
const sgr =
  (open: string, close: string): Style =>
  (text) =>
    text === "" ? "" : `\x1b[${open}m${text}\x1b[${close}m`;

/**
 * The theme's red and green are readable on its ground; its yellow and cyan often are not on a white one, so these have a
 * middle tone where the terminal has one. What is to recede is dimmed: a fixed grey would stand out on one of the grounds.
 */
function palette(level: ColorLevel): Palette {
  const style = (open: string, close = "39"): Style => (level === 0 ? plain : sgr(open, close));
  const tone = (...tones: readonly [string, string, string]): Style =>
    style(["", ...tones][level] ?? "");
  return {
    level,
    dim: style("2", "22"),
    bold: style("1", "22"),
    red: style("31"),
    green: style("32"),
    yellow: tone("33", "38;5;136", "38;2;176;120;0"),
    cyan: tone("36", "38;5;31", "38;2;0;140;170"),
    bar: tone("36", "38;5;30", "38;2;13;148;136"),
    track: style("2", "22"),
  };
}

const palettes = [palette(0), palette(1), palette(2), palette(3)] as const;
export const paletteOf = (level: ColorLevel): Palette => palettes[level];
