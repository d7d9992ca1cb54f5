// Limit for a chain: main thread → Worker → writer → commit → main thread, and nothing else.
//
//   bun bare-ring.ts <db> <links>

const [db = "ring.db", linksText = "10000"] = process.argv.slice(2);
const links = Number(linksText);

const thread = (name: string): Worker => new Worker(new URL(name, import.meta.url).href);
const worker = thread("ring-worker.ts");
const writer = thread("ring-writer.ts");
const { port1, port2 } = new MessageChannel();
writer.postMessage({ port: port1, db }, [port1]);
worker.postMessage(port2, [port2]);

const began = performance.now();
await new Promise<void>((resolve) => {
  writer.addEventListener("message", (event: MessageEvent<string>) => {
    const link = Number(event.data);
    if (link === links) resolve();
    else worker.postMessage(String(link + 1), []);
  });
  worker.postMessage("1", []);
});
const loopMs = performance.now() - began;
worker.terminate();
writer.terminate();
console.log(JSON.stringify({ loopMs }));
