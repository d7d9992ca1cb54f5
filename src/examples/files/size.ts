// Parses sizes such as 4096, 64k, 16MB, 1.5GiB. Units are powers of 1024.

const units: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/** @returns bytes @throws RangeError for text that is not a size */
export function parseSize(text: string): number {
  const [, number, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(text) ?? [];
  const bytes = Math.round(Number(number) * (units[unit.toLowerCase()] ?? Number.NaN));
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new RangeError(
    `a size is a number with an optional unit k, MB or GB, such as 16MB; not ${JSON.stringify(text)}`,
  );
}
