// The pipelines that ship inside the executable, by name. A pipeline is imported only when it runs, in each thread.

type Exports = Readonly<Record<string, unknown>>;

export const builtins: Readonly<Record<string, () => Promise<Exports>>> = {
  demo: () => import("./demo-pipeline.ts"),
  csv: () => import("./csv-pipeline.ts"),
  etl: () => import("./etl-pipeline.ts"),
  fetch: () => import("./fetch-pipeline.ts"),
  download: () => import("./download-pipeline.ts"),
  "file-writer": () => import("./file-writer-pipeline.ts"),
};
