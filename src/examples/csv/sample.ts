// Sample files, so that the example runs without user data.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const words = ["lamp", "chair", "table", "shelf", "rug", "clock", "vase", "mirror"];

/** Writes three files of 1,000 rows with fixed contents. Returns their folder. */
export async function writeSamples(): Promise<string> {
  const folder = join("pipeloom-data", "csv");
  await mkdir(folder, { recursive: true });
  for (let file = 0; file < 3; file++) {
    const lines = Array.from({ length: 1000 }, (_, i) => sampleLine(file * 1000 + i + 1));
    const path = join(folder, `items-${file + 1}.csv`);
    await Bun.write(path, `id,name,price,stock,note\n${lines.join("\n")}\n`);
  }
  return folder;
}

function sampleLine(id: number): string {
  const name = `${words[id % words.length]} ${id}`;
  const note = id % 50 === 0 ? `"said ""fine"",\non two lines"` : id % 3 === 0 ? "on sale" : "";
  return `${id},${name},${((id * 37) % 10_000) / 100},${id % 90},${note}`;
}
