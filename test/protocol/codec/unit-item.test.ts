// Round trip of an emitted message.

import { expect, test } from "bun:test";
import { taskId } from "../../../src/protocol/ids.ts";
import { packItem, UnitItemReader } from "../../../src/protocol/codec/unit-item.ts";

test("an emitted message is read as it was packed", () => {
  const message = {
    type: "emit",
    id: taskId(3),
    message: "m",
    payload: '"\u001f \\u001f \0 #"',
  } as const;
  expect(new UnitItemReader().read(packItem(message))).toEqual(message);
});
