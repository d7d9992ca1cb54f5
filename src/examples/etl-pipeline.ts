// `pipeloom examples etl`: JSON over HTTP into a table, updated by its key.

import { jsonPipeline } from "./http/load-json.ts";

export default jsonPipeline({ name: "etl", table: "posts", key: "id" });
