import { expect, test } from "bun:test";

import { Findings } from "../../src/prove/findings.ts";
import { emptyTally } from "../../src/prove/proof-cycle.ts";
import { proofJson, proofLines } from "../../src/prove/proof-text.ts";
import type { Proof } from "../../src/prove/prover.ts";

function proofWith(findings: Findings): Proof {
  return {
    cycles: 1,
    tally: emptyTally(),
    canCutPower: true,
    findings,
    leftOut: [],
    unequal: [],
    renumbered: [],
    size: { rows: 1, tasks: 1 },
    ran: new Map(),
    files: [],
    notCompared: [],
    madeOnce: [],
    isWatched: true,
    tookMs: 1_000,
  };
}

const about = { pipeline: "load", seed: 7, effects: [] };

test("the values of the first difference keep their type and all digits, as text and as JSON", () => {
  const findings = new Findings();
  const row = { blob: new Uint8Array([0, 255]), big: 9007199254740993n, whole: 1n, real: 1 };
  findings.add("rowsChanged", 1, 2, () => ({
    type: "difference",
    kind: "rows",
    place: "orders",
    key: { id: new Uint8Array([1]) },
    undisturbed: { times: 1, row },
    found: { times: 1, row: { blob: "a", big: null, whole: 2n, real: Infinity } },
  }));
  const lines = proofLines(proofWith(findings), about).join("\n");
  expect(lines).toContain("orders, id = x'01' (in cycle 2)");
  expect(lines).toContain("blob = x'00ff', big = 9007199254740993, whole = 1, real = 1.0");
  expect(lines).toContain('blob = "a", big = null, whole = 2, real = 1e999');
  const json = proofJson(proofWith(findings), about);
  expect(json).toContain(`"key":{"id":"x'01'"}`);
  expect(json).toContain(`{"blob":"x'00ff'","big":9007199254740993,"whole":1,"real":1.0}`);
  expect(json).toContain(`{"blob":"a","big":null,"whole":2,"real":1e999}`);
});

test("says of which runs late sends are", () => {
  const lines = proofLines(proofWith(new Findings()), about);
  expect(lines).toContain("  late sends          0  in the undisturbed runs");
  expect(lines).toContain("  rows lost           0");
});

test("names the ids that SQLite has given in another order, and proves all the same", () => {
  const proof = { ...proofWith(new Findings()), renumbered: ["orders.id"] };
  const lines = proofLines(proof, about);
  expect(lines[0]).toStartWith("proved: ");
  expect(lines.at(-1)).toBe(
    "  orders.id: after kills, other numbers for the same rows; SQLite numbers them in the order of commits",
  );
  expect(proofJson(proof, about)).toContain(`"proved":true`);
  expect(proofJson(proof, about)).toContain(`"renumbered":["orders.id"]`);
});

test("names files of which nothing is proved", () => {
  const files = { notCompared: ["other.db"], madeOnce: ["a", "b", "c", "d"] };
  expect(proofLines({ ...proofWith(new Findings()), ...files }, about).slice(-2)).toEqual([
    "  not compared, because two undisturbed runs leave something else in it, or because of its size: other.db",
    "  made by the first undisturbed run and not written by the second: a, b, c and 1 more; a task that skips its work when such a file is there was never killed in that work",
  ]);
});
