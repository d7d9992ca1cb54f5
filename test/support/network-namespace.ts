// A network of its own for a program, with one cable to this machine that can be pulled: nobody is told, as with a cable or a switch.

const run = (...command: string[]): boolean =>
  Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).exitCode === 0;

/** Whether this system, and this user, can make one. */
export function canMakeNetworks(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0 || Bun.which("ip") === null)
    return false;
  const name = `pipeloom-try-${process.pid}`;
  return run("ip", "netns", "add", name) && run("ip", "netns", "del", name);
}

export class NetworkNamespace implements Disposable {
  readonly #name = `pipeloom-${process.pid}`;
  readonly #cable = `pl${process.pid}`;
  /** First of four addresses, in a block that is for documentation. */
  readonly #first = 4 * (process.pid % 60);
  /** Of this machine, as the program sees it. */
  readonly here = `198.51.100.${this.#first + 1}`;

  constructor() {
    const [name, cable] = [this.#name, this.#cable];
    const inside = ["ip", "-n", name];
    const isMade = [
      ["ip", "netns", "add", name],
      ["ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name],
      ["ip", "addr", "add", `${this.here}/30`, "dev", cable],
      ["ip", "link", "set", cable, "up"],
      [...inside, "addr", "add", `198.51.100.${this.#first + 2}/30`, "dev", "eth0"],
      [...inside, "link", "set", "eth0", "up"],
      [...inside, "link", "set", "lo", "up"],
    ].every((command) => run(...command));
    if (!isMade) throw new Error("the network could not be made");
  }

  /** Words before a program's. */
  get enter(): string[] {
    return ["ip", "netns", "exec", this.#name];
  }

  pull(): void {
    run("ip", "link", "set", this.#cable, "down");
  }

  plug(): void {
    run("ip", "link", "set", this.#cable, "up");
  }

  [Symbol.dispose](): void {
    run("ip", "link", "del", this.#cable);
    run("ip", "netns", "del", this.#name);
  }
}
