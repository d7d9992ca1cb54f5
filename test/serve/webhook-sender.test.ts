// News to a webhook, while serve ends.

import { expect, test } from "bun:test";

import { WebhookSender } from "../../src/serve/webhook-sender.ts";
import { HeldClock } from "./simulated-world.ts";

const serverOf = (
  answer: () => Promise<Response>,
): { url: string; said: string[] } & Disposable => {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  const url = `http://127.0.0.1:${server.port}/`;
  return { url, said: [], [Symbol.dispose]: () => void server.stop(true) };
};

test("a message that waits for its next attempt is sent at once when serve ends", async () => {
  let answers = 0;
  using server = serverOf(async () => new Response("", { status: ++answers > 1 ? 200 : 503 }));
  const held = new HeldClock(0);
  const waiting = Promise.withResolvers<void>();
  const clock = {
    after(delayMs: number, work: () => void) {
      waiting.resolve();
      return held.after(delayMs, work);
    },
  };
  const sender = new WebhookSender(server.url, { clock, say: (line) => server.said.push(line) });
  sender.send("a");
  await waiting.promise;
  await sender.end(5_000);
  expect(answers).toBe(2);
  expect(server.said).toEqual([]);
});

test("what is not sent when serve ends is said: of a server that refuses, and of one that does not answer", async () => {
  using refusing = serverOf(async () => new Response("", { status: 500 }));
  const clock = new HeldClock(0);
  const say = (line: string): void => void refusing.said.push(line.replace(/:\d+:/, ":"));
  const first = new WebhookSender(refusing.url, { clock, say });
  for (const text of ["a", "b"]) first.send(text);
  await first.end(5_000);
  expect(refusing.said).toEqual(
    Array(2).fill("webhook to 127.0.0.1: it answered 500; 1 message is lost"),
  );
  const asked = Promise.withResolvers<void>();
  using silent = serverOf(() => {
    asked.resolve();
    return new Promise<Response>(() => undefined);
  });
  const second = new WebhookSender(silent.url, { clock, say });
  let ends = 0;
  second.send("a");
  for (const text of ["b", "c"]) second.send(text, () => ends++);
  await asked.promise;
  const ended = second.end(5_000);
  await clock.pass(5_000);
  await ended;
  expect(refusing.said.at(-1)).toBe(
    "webhook to 127.0.0.1: no answer within 5.0 s; 1 message is lost, the next serve sends 2 messages",
  );
  expect(ends).toBe(0);
});

test("news of a thousand schedules at once all arrive; of a receiver that is away, the newest wait, which is said once", async () => {
  let answers = 0;
  using server = serverOf(async () => (answers++, new Response()));
  const clock = new HeldClock(0);
  const say = (line: string): void => void server.said.push(line.replace(/:\d+:/, ":"));
  const sender = new WebhookSender(server.url, { clock, say });
  for (let i = 0; i < 1_000; i++) sender.send(String(i));
  await sender.end(60_000);
  expect([answers, server.said]).toEqual([1_000, []]);
  const away = new WebhookSender(server.url, { clock, say });
  for (let i = 0; i < 6_000; i++) away.send(String(i));
  expect(server.said).toEqual([
    "webhook to 127.0.0.1: 5,000 messages wait; the oldest are dropped",
  ]);
});
