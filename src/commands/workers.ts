// `pipeloom workers`: the workers of an engine.

import { JSON } from "../base/globals.ts";
import { cellText, pad, padStart } from "../base/text.ts";
import { defineCliCommand } from "../cli/command.ts";
import { sayOnStderr } from "../cli/stderr.ts";
import { print } from "../cli/stdout.ts";
import type { ListedMachine } from "../executors/redis/machine-entry.ts";
import { version } from "../version.ts";
import { engineFlag, engineNamed } from "./engine-flag.ts";

export const command = defineCliCommand({
  meta: {
    name: "workers",
    details:
      "Those that have said something in the last 5 seconds, with the same PIPELOOM_ENGINE_KEY. RUNS: for how many runs a worker works. A worker of another version does not help this one's runs.",
    examples: [
      { line: "pipeloom workers --engine redis://10.0.0.5", what: "who would help a run" },
    ],
  },
  args: {
    engine: engineFlag,
    json: { type: "boolean", description: "print a JSON list" },
  },
  async run(flags) {
    const { connection, key } = await engineNamed(flags.engine);
    try {
      const { listMachines } = await import("../executors/redis/open-engine.ts");
      const found = await listMachines(connection, key);
      const machines = found.toSorted(
        (a, b) => a.host.localeCompare(b.host, "en") || a.pid - b.pid,
      );
      print(flags.json ? `${JSON.stringify(machines, null, 2)}\n` : workersText(machines));
      if (machines.length === 0 && !flags.json) sayOnStderr(howToStart);
      return 0;
    } finally {
      connection.close();
    }
  },
});

const howToStart =
  "with this PIPELOOM_ENGINE_KEY; to start one: pipeloom worker --engine <url>, with the same key\n";

const heads = ["NAME", "PID", "THREADS", "AT ONCE", "RUNS", "TAGS", "VERSION"];
/** Columns of text; the others are numbers. */
const textHeads = new Set(["NAME", "TAGS"]);

function workersText(machines: readonly ListedMachine[]): string {
  if (machines.length === 0) return "no workers\n";
  const rows = machines.map((machine) => [
    cellText(machine.name ?? machine.host),
    `${machine.pid}`,
    `${machine.threads}`,
    `${machine.slots}`,
    `${machine.runs}`,
    // One of another version may say nothing of them.
    cellText(machine.tags?.join(", ") ?? ""),
    machine.version + (machine.version === version ? "" : ` (this is ${version})`),
  ]);
  const table = [heads, ...rows];
  const widths = heads.map((_, column) =>
    Math.max(...table.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  const last = heads.length - 1;
  const lines = table.map((row) =>
    row
      .map((cell, column) => {
        if (column === last) return cell;
        const align = textHeads.has(heads[column] ?? "") ? pad : padStart;
        return align(cell, widths[column] ?? 0);
      })
      .join("  "),
  );
  return `${lines.join("\n")}\n`;
}
