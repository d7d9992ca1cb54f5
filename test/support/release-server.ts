// A server with releases laid out as on GitHub, for tests of install and upgrade. Serves a good release or a broken
// one.

import { tarGz } from "../../.github/release/archive.ts";
import { executableName, targets } from "../../.github/release/targets.ts";

export type Trouble =
  "none" | "wrong checksum" | "cut off" | "unknown file" | "does not start" | "another version";

export type ReleaseServer = AsyncDisposable & {
  /** Value for `PIPELOOM_RELEASES`. */
  readonly url: string;
  /** Requested paths. */
  readonly asked: string[];
};

type Options = { readonly version: string; readonly trouble?: Trouble };

/** The "executable" is a shell script that prints its version. */
export function serveRelease({ version, trouble = "none" }: Options): ReleaseServer {
  const files = releaseFiles(version, trouble);
  const asked: string[] = [];
  const server = Bun.listen<{ request: string }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { request: "" };
      },
      data(socket, chunk) {
        socket.data.request += chunk.toString();
        if (!socket.data.request.includes("\r\n\r\n")) return;
        const path = /^\w+ (\S+)/.exec(socket.data.request)?.[1] ?? "";
        asked.push(path);
        socket.end(answer(path, version, files, trouble));
      },
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.stop(true);
    },
  };
}

type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

function releaseFiles(version: string, trouble: Trouble): Files {
  const says = trouble === "another version" ? "0.0.0" : version;
  const script =
    trouble === "does not start"
      ? "#!/bin/sh\nexit 3\n"
      : `#!/bin/sh\necho "pipeloom ${says} (abcdef0)"\n`;
  const entry = { data: new TextEncoder().encode(script), executable: true };
  const archives = targets.map(({ name, os }): [string, Uint8Array<ArrayBuffer>] => [
    `pipeloom-${name}.tar.gz`,
    tarGz([{ name: executableName(os), ...entry }]),
  ]);
  const sums = archives.map(([name, bytes]) => `${checksum(bytes, trouble)}  ${name}\n`).join("");
  return new Map([...archives, ["SHA256SUMS", new TextEncoder().encode(sums)]]);
}

const checksum = (bytes: Uint8Array<ArrayBuffer>, trouble: Trouble): string =>
  trouble === "wrong checksum"
    ? "0".repeat(64)
    : new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** Raw HTTP, because `Bun.serve` cannot send half a body. */
function answer(path: string, version: string, files: Files, trouble: Trouble): Uint8Array {
  if (path === "/latest") return response("302 Found", [`location: /tag/v${version}`]);
  const folders = ["/latest/download/", `/download/v${version}/`];
  const name = folders.find((folder) => path.startsWith(folder))?.length;
  const body = name === undefined ? undefined : files.get(path.slice(name));
  if (body === undefined || trouble === "unknown file") return response("404 Not Found");
  const half = trouble === "cut off" && !path.endsWith("SHA256SUMS");
  const sent = half ? body.subarray(0, body.length / 2) : body;
  return response("200 OK", [], sent, body.length);
}

function response(
  status: string,
  headers: readonly string[] = [],
  body = new Uint8Array(),
  length = body.length,
): Uint8Array {
  const head = [
    `HTTP/1.1 ${status}`,
    ...headers,
    `content-length: ${length}`,
    "connection: close",
    "\r\n",
  ].join("\r\n");
  return Bun.concatArrayBuffers([new TextEncoder().encode(head), body], Infinity, true);
}
