// A file name from an address: never a path, never one that a system reads as something else.

const maxChars = 150;
/** Names that Windows keeps for devices, with any ending. */
const devices = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
/** Separators, what Windows forbids in names, and characters that do not show. */
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u001f\u007f-\u009f\\/:*?"<>|\u202a-\u202e\u2066-\u2069]/g;

/** The last part of the address's path, decoded and made harmless; `download` when nothing is left. */
export function fileNameOf(url: string): string {
  const last = new URL(url).pathname.split("/").findLast((part) => part !== "") ?? "";
  const name = decoded(last)
    .replace(forbidden, "_")
    // Hidden files, `.` and `..`; endings that Windows drops.
    .replace(/^\.+/, "")
    .replace(/[. ]+$/, "");
  if (name === "") return "download";
  return shortened(devices.test(name) ? `_${name}` : name);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Keeps the ending, which says what the file is. */
function shortened(name: string): string {
  if (name.length <= maxChars) return name;
  const ending = /\.[\w.]{1,15}$/.exec(name)?.[0] ?? "";
  return name.slice(0, maxChars - ending.length) + ending;
}

/** A name for each address, told apart by `-2`, `-3` … where two would be one file (also where case does not count). */
export function uniqueNames(urls: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return urls.map((url) => {
    const name = fileNameOf(url);
    const dot = name.lastIndexOf(".");
    const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
    let unique = name;
    for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${stem}-${n}${ending}`;
    taken.add(unique.toLowerCase());
    return unique;
  });
}
