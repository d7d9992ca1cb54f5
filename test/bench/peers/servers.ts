// PostgreSQL and Redis, started in a temporary folder and reached over a socket in it, so that neither a port nor a
// server that runs already is in the way.

import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const startsWithinMs = 20_000;

export class Server {
  /** The folder with its data and its socket. */
  readonly folder: string;
  readonly #process: Bun.Subprocess;

  private constructor(folder: string, process: Bun.Subprocess) {
    this.folder = folder;
    this.#process = process;
  }

  static async postgres(program: string, folder: string): Promise<Server> {
    mkdirSync(folder);
    chmodSync(dirname(folder), 0o711);
    const asUser = unprivileged(folder);
    // `initdb` is beside `postgres`, which may be a link to it.
    const initdb = Bun.which("initdb") ?? join(dirname(program), "initdb");
    await run([...asUser, initdb, "-D", folder, "-A", "trust", "-U", "postgres"]);
    const command = [...asUser, program, "-D", folder, "-k", folder, "-c", "listen_addresses="];
    return Server.#start(folder, command, ".s.PGSQL.5432");
  }

  /** @param appendfsync `always` syncs before it answers, `everysec` each second */
  static async redis(
    program: string,
    folder: string,
    appendfsync: "always" | "everysec",
  ): Promise<Server> {
    mkdirSync(folder);
    const settings = {
      port: "0",
      unixsocket: join(folder, "redis.sock"),
      dir: folder,
      appendonly: "yes",
      appendfsync,
      // BullMQ asks for it: keys that are evicted are lost jobs.
      "maxmemory-policy": "noeviction",
      save: "",
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    return Server.#start(folder, [program, ...flags], "redis.sock");
  }

  static async #start(folder: string, command: string[], socket: string): Promise<Server> {
    const process = Bun.spawn(command, { stdout: "ignore", stderr: "pipe", stdin: "ignore" });
    const server = new Server(folder, process);
    const end = performance.now() + startsWithinMs;
    while (!existsSync(join(folder, socket))) {
      if (process.exitCode !== null || performance.now() > end) {
        await server[Symbol.asyncDispose]();
        throw new Error(`${command[0]} did not start:\n${await process.stderr.text()}`);
      }
      await Bun.sleep(20);
    }
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // PostgreSQL ends at once, and Redis too.
    this.#process.kill("SIGINT");
    await this.#process.exited;
  }

  /** Memory of the server and its processes now, each shared page counted once, in MB. Only Linux tells. */
  memoryMb(): number {
    const pids = [this.#process.pid, ...childrenOf(this.#process.pid)];
    return pids.reduce((sum, pid) => sum + proportionalMb(pid), 0);
  }
}

/** PostgreSQL refuses to run as root: the user of its package runs it. */
function unprivileged(folder: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const [, uid = "", gid = ""] =
    /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8")) ?? [];
  if (uid === "") throw new Error("PostgreSQL does not run as root, and there is no user postgres");
  chownSync(folder, Number(uid), Number(gid));
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdout: "ignore", stderr: "pipe" });
  const [said, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`${command.join(" ")} exited with ${code}:\n${said}`);
}

function childrenOf(pid: number): number[] {
  const text = readOr(`/proc/${pid}/task/${pid}/children`);
  return text
    .trim()
    .split(" ")
    .filter((child) => child !== "")
    .map(Number);
}

function proportionalMb(pid: number): number {
  const [, kib = "0"] = /^Pss:\s+(\d+) kB/m.exec(readOr(`/proc/${pid}/smaps_rollup`)) ?? [];
  return (Number(kib) * 1024) / 1e6;
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // The process has ended, or this is not Linux.
    return "";
  }
}
