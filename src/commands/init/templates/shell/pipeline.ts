// Runs programs in parallel and stores their output: in this example the number of lines of each file in this folder.
// Run it: pipeloom run pipeline.ts

import { each, pipeline, sh, task } from "pipeloom";

const windows = process.platform === "win32";
const here = import.meta.dir;

const listFiles = sh({
  name: "list-files",
  cwd: here,
  // Pipes and wildcards need a shell. Never put an input into a shell command: see `countLines`.
  shell: true,
  command: windows ? "dir /b *.ts *.md *.json" : "ls *.ts *.md *.json",
  output: "lines",
});

const countLines = sh({
  name: "count-lines",
  cwd: here,
  retries: 1,
  timeout: "1m",
  // A list of words reaches the program unchanged, whatever characters are in them.
  command: ({ file }: { file: string }) =>
    windows ? ["find", "/c", "/v", "", file] : ["wc", "-l", file],
  // The program's output is the task's result. Without `output` it goes to the task's log only.
  output: "text",
});

const store = task({
  name: "store",
  async run({ files, outputs }: { files: string[]; outputs: string[] }, ctx) {
    const rows = files.map((file, index) => ({ file, lines: lastNumber(outputs[index], file) }));
    await ctx.upsert("files", rows, { key: "file" });
    return rows.length;
  },
});

export default pipeline({
  name: "template-shell",
  db: "./pipeloom.db",
  schema: `CREATE TABLE IF NOT EXISTS files (file TEXT PRIMARY KEY, lines INTEGER) STRICT`,
  tasks() {
    const files = listFiles();
    return store({ files, outputs: each(files, (file) => countLines({ file })) });
  },
});

/** `12 a.txt`, or `---------- A.TXT: 12` on Windows. */
function lastNumber(output = "", file: string): number {
  const [number] = output.replace(file, "").match(/\d+(?=\D*$)/) ?? [];
  return Number(number ?? 0);
}
