// A small local web server, so that the examples run offline. Its first response is 429, to show a retry.

type SampleServer = AsyncDisposable & { readonly url: string };

const titles = ["a morning", "the long way", "rain", "two rivers", "a letter", "north"];

/** 300 posts as JSON. */
const posts = Array.from({ length: 300 }, (_, i) => ({
  id: i + 1,
  title: titles[i % titles.length],
  author: { name: `user ${(i % 10) + 1}` },
  tags: i % 3 === 0 ? ["new"] : [],
  score: (i * 7) % 50,
}));

/** Fixed bytes for a seed. */
function sampleFile(seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(256 * 1024 + seed * 1000);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + seed * 7 + (i >> 8)) & 0xff;
  return bytes;
}

export function startSampleServer(): SampleServer {
  let asked = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    routes: {
      "/posts.json": () =>
        asked++ === 0
          ? new Response("busy", { status: 429, headers: { "retry-after": "1" } })
          : Response.json(posts),
      "/files/:name": (request) => fileAnswer(request, request.params.name),
    },
    fetch: () => new Response("not here", { status: 404 }),
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

export const sampleFiles = ["sample-1.bin", "sample-2.bin", "sample-3.bin"] as const;

function fileAnswer(request: Request, name: string): Response {
  const seed = sampleFiles.findIndex((file) => file === name) + 1;
  if (seed === 0) return new Response("not here", { status: 404 });
  const bytes = sampleFile(seed);
  const etag = `"sample-${seed}"`;
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
  if (start === 0) return new Response(bytes, { headers: { etag } });
  const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
  return new Response(bytes.slice(start), {
    status: 206,
    headers: { etag, "content-range": range },
  });
}
