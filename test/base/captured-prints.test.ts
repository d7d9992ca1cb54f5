import { expect, test } from "bun:test";
import { captureLines, captureStreams } from "../../src/base/captured-prints.ts";

const methods = (): unknown[] => [
  Reflect.get(process.stdout, "write"),
  Reflect.get(console, "write"),
  console.log,
  console.error,
];

test("what is printed becomes lines, and the streams come back", async () => {
  const lines: string[] = [];
  const before = methods();
  const give = captureLines((line) => lines.push(line));
  console.log("an object %s", { a: 1 });
  console.error("bad");
  console.group("group");
  console.warn("inside");
  console.groupEnd();
  console.table([{ a: 1 }]);
  void console.write("raw ", new TextEncoder().encode("bytes\n"));
  process.stdout.write("par");
  process.stdout.write(Buffer.from("tial\r\n10 %\r"));
  process.stdout.write("20 %\nrest");
  process.stderr.write("err\n");
  let called = false;
  process.stdout.write("", () => (called = true));
  give();
  give();
  expect(lines.filter((line) => !/[│┌├└]/.test(line))).toEqual([
    "an object { a: 1 }",
    "bad",
    "group",
    "  inside",
    "raw bytes",
    "partial",
    "10 %",
    "20 %",
    "err",
    "rest",
  ]);
  expect(lines).toContain("│ (index) │ a │");
  expect(methods()).toEqual(before);
  await Promise.resolve();
  expect(called).toBe(true);
});

test("one stream alone is taken as it comes, torn characters put together", () => {
  const pieces: string[] = [];
  const before: unknown = Reflect.get(process.stderr, "write");
  const give = captureStreams({ stdout: (text) => pieces.push(text) });
  const [head, tail] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
  process.stdout.write("no break");
  process.stdout.write(head);
  process.stdout.write(tail);
  const isLeftAlone = Reflect.get(process.stderr, "write") === before;
  give();
  expect(isLeftAlone).toBe(true);
  expect(pieces.join("")).toBe("no breaké");
});
