import { expect, test } from "bun:test";
import { VirtualTerminal } from "../support/virtual-terminal.ts";

test("text wraps, scrolls and is found in the scrollback", () => {
  const terminal = new VirtualTerminal({ columns: 5, rows: 2 });
  terminal.write("one\r\nabcdefg\r\nx");
  expect(terminal.screen()).toEqual(["fg", "x"]);
  expect(terminal.lines()).toEqual(["one", "abcdefg", "x"]);
});

test("the cursor moves up to the top of the screen and no further", () => {
  const terminal = new VirtualTerminal({ columns: 5, rows: 2 });
  terminal.write("a\r\nb\r\nc\r\x1b[9AX\x1b[J");
  expect(terminal.lines()).toEqual(["a", "X"]);
});

test("a resize wraps lines again and keeps the cursor on its line", () => {
  const terminal = new VirtualTerminal({ columns: 8, rows: 5 });
  terminal.write("12345678\r\nab日cd\r\n");
  terminal.resize(3, 6);
  expect(terminal.screen()).toEqual(["123", "456", "78", "ab", "日c", "d"].slice(-5).concat(""));
  expect(terminal.cursor).toEqual({ row: 5, column: 0 });
  terminal.resize(8, 5);
  expect(terminal.screen()).toEqual(["12345678", "ab日cd", "", "", ""]);
});

test("sequences that the screen does not use are refused", () => {
  const terminal = new VirtualTerminal();
  expect(() => terminal.write("\x1b]0;title\x07")).toThrow();
  expect(() => terminal.write("\x1b[2J")).toThrow();
  expect(() => terminal.write("\x1b[5;5H")).toThrow();
});

test("a terminal that becomes one column wide holds wide characters", () => {
  const terminal = new VirtualTerminal({ columns: 10, rows: 4 });
  terminal.write("日本\r\n");
  terminal.resize(1, 4);
  terminal.resize(10, 4);
  expect(terminal.lines()).toEqual(["日本"]);
});
