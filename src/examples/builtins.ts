// The pipelines that ship inside the executable, by name. Each is loaded when it is run, in every thread alike.

type Exports = Readonly<Record<string, unknown>>;

export const builtins: Readonly<Record<string, () => Promise<Exports>>> = {
  demo: () => import("./demo-pipeline.ts"),
  csv: () => import("./csv-pipeline.ts"),
  etl: () => import("./etl-pipeline.ts"),
  download: () => import("./download-pipeline.ts"),
  "file-writer": () => import("./file-writer-pipeline.ts"),
};
