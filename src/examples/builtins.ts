// The pipelines that ship inside the executable, by name. Each is loaded when it is run, in every thread alike.

type Exports = Readonly<Record<string, unknown>>;

export const builtins: Readonly<Record<string, () => Promise<Exports>>> = {
  demo: () => import("./demo.ts"),
  csv: () => import("./csv.ts"),
  etl: () => import("./etl.ts"),
  download: () => import("./download.ts"),
  "file-writer": () => import("./file-writer.ts"),
};
