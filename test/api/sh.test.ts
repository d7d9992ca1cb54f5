// `sh`: the command that it runs, and what it makes of the program's output.

import { describe, expect, setDefaultTimeout, test } from "bun:test";

import { newRig } from "../support/rig.ts";

setDefaultTimeout(60_000);

/** What a task that reads the program's result is given, or why there is none. */
async function resultOf(line: string, output: string): Promise<unknown> {
  await using rig = newRig();
  const file = rig.pipeline(`
    import { sh } from "pipeloom";
    const program = sh<void, any>({ name: "program", shell: true, command: ${JSON.stringify(line)}, output: ${JSON.stringify(output)} as any });
    const last = task({ name: "last", run: (said: any) => said });
    export default pipeline({ name: "p", tasks: () => last(program()) });
  `);
  const summary = await rig.run(file, { workers: 1 });
  if (summary.failures[0] !== undefined) return summary.failures[0].failure.message;
  return JSON.parse(
    String(rig.rows("SELECT result FROM task_runs WHERE name = 'last'")[0]?.["result"]),
  );
}

describe.skipIf(process.platform === "win32")("the output of a program", () => {
  test.each([
    ["text", "printf 'a\\r\\nb'", "a\r\nb"],
    ["text", "printf '\\357\\273\\277x'", "\ufeffx"],
    ["lines", "printf 'a\\r\\n\\nb\\n'", ["a", "", "b"]],
    ["lines", "true", []],
    ["json", "printf '\\357\\273\\277{\"a\":[1,9007199254740991]}'", { a: [1, 9007199254740991] }],
    ["text", "cat; echo after", "after\n"],
  ])("as %s: %p", async (output, line, wanted) => {
    expect(await resultOf(line, output)).toEqual(wanted);
  });

  test("that is not UTF-8 is refused where it is the result, for it would be another", async () => {
    expect(await resultOf("printf 'a\\377b'", "text")).toContain("is not UTF-8");
  });

  test("with an integer that a number cannot hold is refused as JSON", async () => {
    expect(await resultOf("echo '{\"id\":9007199254740993}'", "json")).toContain(
      "the integer 9007199254740993",
    );
  });
});

test.each([
  ["a word of a list", `command: ["echo", "a\\0b"]`, 1],
  ["a line for a shell", `shell: true, command: "echo a\\0b"`, 2],
])("a NUL character in %s is refused by its name", async (_, command, word) => {
  await using rig = newRig();
  const file = rig.pipeline(`
    import { sh } from "pipeloom";
    const program = sh({ name: "program", ${command} });
    export default pipeline({ name: "p", tasks: () => program() });
  `);
  const why = `task "program": command: word ${word} has a NUL character`;
  expect(rig.run(file)).rejects.toThrow(why);
});
