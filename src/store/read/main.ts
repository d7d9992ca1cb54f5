// The entry of a thread that reads the database for tasks on other machines: one question after another. Neither a long one nor
// another program's lock keeps the main thread from its run.

import { toFailure } from "../../base/failure.ts";
import type { FromQueryThread, QueryAnswer, ToQueryThread } from "../../protocol/asked-query.ts";
import { privatePort } from "../../protocol/private-port.ts";
import { endlessBusyHandler } from "../busy-handler.ts";
import { openReader, type Reader } from "./reader.ts";

declare const self: Worker;

privatePort(self, (port) => {
  const post = (message: FromQueryThread): void => port.postMessage(message);
  let reader: Reader | undefined;
  const answer = ({ db, asked }: Extract<ToQueryThread, { type: "query" }>): QueryAnswer => {
    try {
      const busyHandler = endlessBusyHandler(db, (level, line) =>
        post({ type: "output", level, line }),
      );
      reader ??= openReader(db, busyHandler);
      const rows = reader.query(asked.sql, asked.params as Parameters<Reader["query"]>[1]);
      return { status: "rows", rows };
    } catch (thrown) {
      return { status: "error", failure: toFailure(thrown) };
    }
  };
  port.onmessage = (event) => {
    const message = event.data as ToQueryThread;
    if (message.type === "query") {
      post({ type: "answer", number: message.number, answer: answer(message) });
    } else {
      reader?.close();
      post({ type: "closed" });
    }
  };
});
