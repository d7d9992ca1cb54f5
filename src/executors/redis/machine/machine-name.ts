// What a machine is called in histories: its host. Several workers on one host, or on hosts of one name, have a number too.

import { type EngineConnection, nameKey } from "../engine-connection.ts";

/** The engine forgets the name of a machine that has said nothing for so long. */
const keptSeconds = 5;
const mostNumbers = 10_000;

/** Takes a name that no other machine of the engine has, and keeps it while `keep` is called once a second. */
export class MachineName {
  readonly text: string;
  readonly #connection: EngineConnection;

  private constructor(text: string, connection: EngineConnection) {
    this.text = text;
    this.#connection = connection;
  }

  /** `web1`, `web1/2`, `web1/3` … @throws Error of Redis */
  static async take(connection: EngineConnection, host: string): Promise<MachineName> {
    const { pid } = process;
    for (let number = 1; number <= mostNumbers; number++) {
      const text = number === 1 ? host : `${host}/${number}`;
      const taken = await connection.commands.set(nameKey(text), pid, "EX", keptSeconds, "NX");
      if (taken !== null) return new MachineName(text, connection);
    }
    return new MachineName(`${host}/${pid}`, connection);
  }

  keep(): void {
    this.#connection.post("SET", nameKey(this.text), process.pid, "EX", keptSeconds);
  }

  giveUp(): void {
    this.#connection.post("DEL", nameKey(this.text));
  }
}
