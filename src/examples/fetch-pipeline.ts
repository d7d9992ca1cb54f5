// `pipeloom fetch`: JSON over HTTP into a table. Not every API has an `id`, so rows are inserted unless a key is given.

import { jsonPipeline } from "./http/load-json.ts";

export default jsonPipeline({ name: "fetch", table: "rows", key: "none" });
