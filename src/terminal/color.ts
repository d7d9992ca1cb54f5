// How many colours there are, and the few styles that pipeloom uses.

/** 0 none, 1 sixteen, 2 256, 3 true colour. */
export type ColorLevel = 0 | 1 | 2 | 3;
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * What the environment asks for. `FORCE_COLOR` is stronger than everything, as in Node; then `NO_COLOR`
 * (https://no-color.org), then what is known of the terminal. An empty variable is none.
 */
export function colorLevel(env: Env, isTty: boolean): ColorLevel {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined && forced !== "") return forcedLevel(forced, env);
  if (env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "") return 0;
  return isTty && env["TERM"] !== "dumb" ? terminalLevel(env) : 0;
}

function forcedLevel(forced: string, env: Env): ColorLevel {
  if (forced === "0" || forced === "false") return 0;
  if (forced === "2") return 2;
  if (forced === "3") return 3;
  return forced === "1" ? 1 : atLeastSixteen(terminalLevel(env));
}

const atLeastSixteen = (level: ColorLevel): ColorLevel => (level === 0 ? 1 : level);

function terminalLevel(env: Env): ColorLevel {
  const colorTerm = env["COLORTERM"];
  if (colorTerm === "truecolor" || colorTerm === "24bit" || env["WT_SESSION"] !== undefined)
    return 3;
  return /256(color)?$/i.test(env["TERM"] ?? "") ? 2 : 1;
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
  readonly magenta: Style;
  /** The bar's finished part, and the part that is still to do. */
  readonly bar: Style;
  readonly track: Style;
};

const plain: Style = (text) => text;
const sgr =
  (open: string, close: string): Style =>
  (text) =>
    text === "" ? "" : `\x1b[${open}m${text}\x1b[${close}m`;

function palette(level: ColorLevel): Palette {
  const style = (open: string, close = "39"): Style => (level === 0 ? plain : sgr(open, close));
  return {
    level,
    dim: style("2", "22"),
    bold: style("1", "22"),
    red: style("31"),
    green: style("32"),
    yellow: style("33"),
    cyan: style("36"),
    magenta: style("35"),
    bar: style(["", "36", "38;5;43", "38;2;45;212;191"][level] ?? ""),
    track: style(["", "90", "38;5;238", "38;2;70;74;82"][level] ?? ""),
  };
}

const palettes = [palette(0), palette(1), palette(2), palette(3)] as const;
export const paletteOf = (level: ColorLevel): Palette => palettes[level];
