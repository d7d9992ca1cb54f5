// `pipeloom csv`, `fetch` and `download`: a person's own data in a table, by the command line.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Ended, pipeloom, run } from "../support/program.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const call = (folder: TempFolder, ...args: string[]): Promise<Ended> =>
  run([...pipeloom, ...args], folder.path);

function rows(folder: TempFolder, sql: string): unknown[] {
  using db = new Database(join(folder.path, "pipeloom.db"), { readonly: true });
  return db.prepare(sql).values();
}

/** The commands that the end of a run suggests. */
const nextCommands = ({ err }: Ended): string[] =>
  Array.from(err.matchAll(/^ {2}next: (.*)$/gm), ([, command = ""]) => command);

const patient = { timeout: 60_000 };

test(
  "csv: a file goes into a table of its name, and the suggested command shows it",
  async () => {
    using folder = tempFolder();
    writeFileSync(join(folder.path, "2026 sales.csv"), "id,name\n1,a\n2,b\n");
    const loaded = await call(folder, "csv", "2026 sales.csv");
    expect([loaded.code, loaded.err]).toEqual([
      0,
      expect.stringContaining("2 rows → table _2026_sales\n"),
    ]);
    const [command = ""] = nextCommands(loaded);
    expect(command).toBe('pipeloom query "SELECT * FROM _2026_sales LIMIT 10"');
    const shell = command.replace("pipeloom", pipeloom.join(" "));
    expect((await run(["sh", "-c", shell], folder.path)).out).toBe("id  name\n 1  a\n 2  b\n");
  },
  patient,
);

test(
  "csv: a table that is named like a keyword is shown by a command that works",
  async () => {
    using folder = tempFolder();
    writeFileSync(join(folder.path, "order.csv"), "id\n7\n");
    const [command = ""] = nextCommands(await call(folder, "csv", "order.csv"));
    const shell = command.replace("pipeloom", pipeloom.join(" "));
    expect((await run(["sh", "-c", shell], folder.path)).out).toBe("id\n 7\n");
  },
  patient,
);

test(
  "csv: patterns and folders; a second load adds rows and says so, one with a key updates them",
  async () => {
    using folder = tempFolder();
    mkdirSync(join(folder.path, "data"));
    writeFileSync(join(folder.path, "data/a.csv"), "id,v\n1,x\n");
    writeFileSync(join(folder.path, "data/b.csv.gz"), gzipSync("id,v\n2,y\n"));
    const first = await call(folder, "csv", "data/*.csv*", "--table", "t");
    expect(first.err).toContain("2 rows → table t\n");
    expect(first.err).not.toContain("had rows before");
    const second = await call(folder, "csv", "data", "--table", "t");
    expect(second.err).toContain("2 rows → table t\n  t had rows before; --key <columns> updates");
    expect(rows(folder, "SELECT id, COUNT(*) FROM t GROUP BY id")).toEqual([
      [1, 2],
      [2, 2],
    ]);
    for (let i = 0; i < 2; i++) {
      const keyed = await call(folder, "csv", "data", "--table", "k", "--key", "id");
      expect([keyed.code, keyed.err]).toEqual([0, expect.not.stringContaining("rows before")]);
    }
    expect(rows(folder, "SELECT * FROM k")).toEqual([
      [1, "x"],
      [2, "y"],
    ]);
  },
  patient,
);

test(
  "csv: standard input, whose copy is deleted",
  async () => {
    using folder = tempFolder();
    const copies = join(folder.path, "tmp");
    mkdirSync(copies);
    const child = Bun.spawn([...pipeloom, "csv", "-", "--table", "t"], {
      cwd: folder.path,
      env: { ...process.env, TMPDIR: copies, TMP: copies },
      stdin: new Blob([`id\n${"5\n".repeat(100_000)}`]),
      stdout: "ignore",
      stderr: "ignore",
    });
    expect(await child.exited).toBe(0);
    expect(rows(folder, "SELECT COUNT(*), SUM(id) FROM t")).toEqual([[100_000, 500_000]]);
    // The runtime has files of its own there.
    expect(readdirSync(copies).filter((name) => name.startsWith("pipeloom"))).toEqual([]);
  },
  patient,
);

test(
  "csv: messages name standard input, and the same input goes on with --resume",
  async () => {
    using folder = tempFolder();
    const load = async (text: string, ...args: string[]): Promise<string> => {
      const child = Bun.spawn([...pipeloom, "csv", "-", "--table", "t", ...args], {
        cwd: folder.path,
        stdin: new Blob([text]),
        stdout: "ignore",
        stderr: "pipe",
      });
      return `${await child.stderr.text()}\nexit ${await child.exited}`;
    };
    const failed = await load("id\n1\nx,y\n", "--key", "id");
    expect(failed).toContain("standard input, line 3: 2 fields, not 1");
    expect(failed).toEndWith("exit 1");
    expect(await load("id\n1\nx,y\n", "--key", "id", "--resume")).toContain("run 1 continues");
    // Other contents are another run.
    expect(await load("id\n1\n2\n1\n", "--key", "id")).toContain("run 2 ");
    expect(rows(folder, "SELECT id FROM t")).toEqual([[1], [2]]);
  },
  patient,
);

test.skipIf(process.platform === "win32")(
  "csv: nothing of standard input is left by a process that is killed",
  async () => {
    using folder = tempFolder();
    const copies = join(folder.path, "tmp");
    mkdirSync(copies);
    const child = Bun.spawn([...pipeloom, "csv", "-", "--table", "t"], {
      cwd: folder.path,
      env: { ...process.env, TMPDIR: copies },
      stdin: "pipe",
      stderr: "ignore",
    });
    // More than a pipe holds, so it ends when the copy has begun.
    await child.stdin.write(`id\n${"5\n".repeat(500_000)}`);
    child.kill("SIGKILL");
    await child.exited;
    expect(readdirSync(copies).filter((name) => name.startsWith("pipeloom"))).toEqual([]);
  },
  patient,
);

test(
  "csv: rows with the same key are counted once in the table",
  async () => {
    using folder = tempFolder();
    writeFileSync(join(folder.path, "a.csv"), "id,v\n1,x\n1,y\n2,z\n");
    const { err } = await call(folder, "csv", "a.csv", "--key", "id");
    expect(err).toContain("3 rows → table a, which has 2: of rows with the same key, the last");
    expect(rows(folder, "SELECT * FROM a")).toEqual([
      [1, "y"],
      [2, "z"],
    ]);
    const { err: again } = await call(folder, "csv", "a.csv", "--table", "b");
    expect(again).toContain("3 rows → table b\n");
  },
  patient,
);

test(
  "csv, fetch: text in a column that holds only numbers is named with its place",
  async () => {
    using folder = tempFolder();
    writeFileSync(join(folder.path, "a.csv"), "id,n\n1,1\n2,2\n");
    writeFileSync(join(folder.path, "b.csv"), "id,n\n3,1\nx,2\n");
    writeFileSync(join(folder.path, "c.csv"), "id,n\n3,1\n4,y\n");
    expect((await call(folder, "csv", "a.csv", "--key", "id", "--table", "t")).code).toBe(0);
    const failed = await call(folder, "csv", "b.csv", "--key", "id", "--table", "t");
    expect([failed.code, failed.err]).toEqual([
      1,
      expect.stringContaining(
        '"x" (b.csv, line 3) is not a number and does not fit into the column "id", which is INTEGER in the table: load into another --table with --types id=text',
      ),
    ]);
    const asked = await call(folder, "csv", "b.csv", "--key", "id", "--types", "id=integer");
    expect(asked.err).toContain("as --types says; omit it from --types, or use text");
    using db = new Database(join(folder.path, "pipeloom.db"));
    db.run("CREATE TABLE s (id INTEGER, n INTEGER) STRICT");
    const strict = await call(folder, "csv", "c.csv", "--table", "s");
    expect(strict.err).toContain('"y" (c.csv, line 3) is not a number and does not fit into');
    using posts = Bun.serve({
      port: 0,
      fetch: () => Response.json([{ id: 5 }, { id: "x" }]),
    });
    const url = `http://localhost:${posts.port}/t`;
    const fetched = await call(folder, "fetch", url, "--key", "id");
    expect(fetched.err).toContain(
      'id is "x", and the column is INTEGER in the table t, which cannot hold it',
    );
  },
  patient,
);

test.each([
  [["csv", "sales.csv", "--types", "id=number"], '--types: "id=number" must be column=type'],
  [["csv", "sales.csv", "--separator", "ab"], "--separator: the separator must be one character"],
  [["csv", "sales.csv", "--key", ","], '--key: "," names no column'],
  [["csv", "sales.csv", "--key", "id,ID"], '--key: the column "ID" is named twice'],
  [["csv", "sales.csv", "--table", "task_attempts"], "the table name task_attempts is reserved"],
  [["fetch", "http://localhost/x", "--select", "=a"], '--select: "=a" must be column or column='],
  [["examples", "csv", "--types", "x"], '--types: "x" must be column=type'],
  [["examples", "csv", "--table", "task_runs"], "the table name task_runs is reserved"],
  [["examples", "file-writer", "--size", "big"], "--size: a size is a number"],
  [["csv", "salse.csv"], "salse.csv: there is no such file or folder; did you mean sales.csv?"],
  [["csv", "empty"], "empty: no .csv, .tsv or .txt file in this folder"],
  [["csv", "x*.csv"], "x*.csv: no file matches this pattern"],
  [["csv", "sales.csv", "other.csv"], "into which table? the 2 sources give no name"],
  [["csv", "-"], "into which table? standard input has no name"],
  [["csv", "sales.csv", "--table", "task_runs"], "the table name task_runs is reserved"],
  [["csv", "sales.csv", "--resume", "--fresh"], "--resume and --fresh exclude each other"],
  [["csv", "sales.csv", "--dry-run", "--json"], "--dry-run runs nothing"],
  [["fetch", "example.com/x"], '"example.com/x" is not an http or https address'],
  [["fetch", "http://localhost/"], "into which table? the name of the address gives none"],
  [["download"], "what is to be downloaded?"],
  [["download", "http://x/y", "--out", "sales.csv"], "--out sales.csv: this is a file"],
  [["examples", "etl", "--url", "ftp://x"], '--url: "ftp://x" is not an http or https address'],
  [["download", "ftp://x/y"], '"ftp://x/y" is not an http or https address'],
  [["download", "--list", "nowhere"], "--list nowhere: cannot be read"],
  [["download", "--list", "blank.txt"], "--list blank.txt: there is no address in it"],
  [["download", "--list", "sales.csv"], '--list sales.csv: "id" is not an http or https address'],
])("%j is wrong usage, and makes no database", async (args, message) => {
  using folder = tempFolder();
  mkdirSync(join(folder.path, "empty"));
  for (const name of ["sales.csv", "other.csv"]) writeFileSync(join(folder.path, name), "id\n1\n");
  writeFileSync(join(folder.path, "blank.txt"), "# none\n\n");
  const { code, err } = await call(folder, ...args);
  expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  expect(existsSync(join(folder.path, "pipeloom.db"))).toBe(false);
});

test("csv says which columns of numbers it keeps as text, before it loads them too, and what stores them as numbers", async () => {
  using folder = tempFolder();
  writeFileSync(join(folder.path, "orders.csv"), "Order ID;Net Amount;n\n007;1.50;1\n8;2;+2\n");
  const says =
    'kept as text, because a number would print differently: Order ID, "007" (orders.csv, line 2); Net Amount, "1.50" (orders.csv, line 2); n, "+2" (orders.csv, line 3); to store numbers: --types \'Net Amount=real,n=integer\'';
  expect((await call(folder, "csv", "orders.csv", "--dry-run")).out).toEndWith(`\n\n${says}\n`);
  expect((await call(folder, "csv", "orders.csv")).err).toContain(says);
});

test(
  "csv: no rows at all, and a table with other columns",
  async () => {
    using folder = tempFolder();
    writeFileSync(join(folder.path, "none.csv"), "");
    const none = await call(folder, "csv", "none.csv");
    expect([none.code, none.err]).toEqual([
      0,
      expect.stringContaining("no rows, so there is no table none\n"),
    ]);
    expect(nextCommands(none)).toEqual([]);
    writeFileSync(join(folder.path, "a.csv"), "id\n1\n");
    writeFileSync(join(folder.path, "b.csv"), "other\n1\n");
    await call(folder, "csv", "a.csv", "--table", "t");
    const refused = await call(folder, "csv", "b.csv", "--table", "t");
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining('the table "t" has no column "other"; it has: id.'),
    ]);
    expect(nextCommands(refused).at(-1)).toBe(
      "pipeloom csv b.csv --table t --db pipeloom.db --resume",
    );
  },
  patient,
);

test(
  "csv --key: a table that was loaded without one gets its unique index; rows with the same key are named",
  async () => {
    using folder = tempFolder();
    const load = (...args: string[]): Promise<Ended> =>
      call(folder, "csv", "a.csv", "--table", "t", ...args);
    const indexes = "SELECT name FROM pragma_index_list('t') WHERE \"unique\" ORDER BY name";
    writeFileSync(join(folder.path, "a.csv"), "Id,v\n1,x\n2,y\n,none\n");
    await load();
    const dry = await load("--key", "id", "--dry-run");
    expect(dry.out).toContain("\nwith a new unique index on (id), which --key needs\n");
    expect(rows(folder, indexes)).toEqual([]);
    writeFileSync(join(folder.path, "a.csv"), "Id,v\n2,z\n3,w\n");
    const keyed = await load("--key", "id");
    const said = 'the table "t" has no unique index on (Id), which --key needs: it gets one';
    expect([keyed.code, keyed.err]).toEqual([0, expect.stringContaining(said)]);
    expect((await load("--key", "id")).err).not.toContain(said);
    expect(rows(folder, indexes)).toEqual([["t_Id"]]);
    expect(rows(folder, "SELECT * FROM t")).toEqual([
      [1, "x"],
      [2, "z"],
      [null, "none"],
      [3, "w"],
    ]);
    const twice =
      'the table "t" has 2 rows with v "z", so (v) cannot be its key; load into another';
    writeFileSync(join(folder.path, "a.csv"), "Id,v\n4,z\n");
    await load();
    for (const flags of [[], ["--dry-run"]]) {
      const refused = await load("--key", "v", ...flags);
      expect([refused.code, refused.err]).toEqual([1, expect.stringContaining(twice)]);
    }
    expect(rows(folder, indexes)).toEqual([["t_Id"]]);
  },
  patient,
);

test("csv --dry-run: files, rows, columns and their types; nothing is written", async () => {
  using folder = tempFolder();
  writeFileSync(join(folder.path, "a.csv"), "id,zip\n1,007\n2,08\n");
  const { code, out } = await call(folder, "csv", "a.csv", "--dry-run");
  expect([code, out]).toEqual([
    0,
    [
      "would load 2 rows of 1 file → new table a of pipeloom.db",
      "",
      "file   rows",
      "a.csv     2",
      "",
      "column  type",
      "id      INTEGER",
      "zip     TEXT",
      "",
      'kept as text, because a number would print differently: zip, "007" (a.csv, line 2)',
      "",
    ].join("\n"),
  ]);
  expect(readdirSync(folder.path)).toEqual(["a.csv"]);
  const refused = await call(folder, "csv", "a.csv", "--dry-run", "--key", "nope");
  expect([refused.code, refused.err]).toEqual([
    1,
    expect.stringContaining('no column "nope" for the key'),
  ]);
});

const server = (): Bun.Server<undefined> =>
  Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    routes: {
      "/posts.json": (request) => {
        const page = Number(new URL(request.url).searchParams.get("page") ?? 1);
        const next = `<${new URL(request.url).origin}/posts.json?page=${page + 1}>; rel="next"`;
        return Response.json([{ id: page }], page < 3 ? { headers: { link: next } } : undefined);
      },
      "/nested": Response.json({ data: { items: [{ id: 1, user: { name: "u" } }] } }),
      "/table.csv": new Response("a,b\n1,2\n", { headers: { "content-type": "text/csv" } }),
      "/page": new Response("<html>", { headers: { "content-type": "text/html" } }),
    },
    fetch: () => new Response("not here", { status: 404 }),
  });

test(
  "fetch: the pages of an address, nested rows, several addresses of which one is missing",
  async () => {
    using folder = tempFolder();
    using web = server();
    const at = (path: string): string => `http://127.0.0.1:${web.port}/${path}`;
    const pages = await call(folder, "fetch", at("posts.json"));
    expect([pages.code, pages.err]).toEqual([0, expect.stringContaining("3 rows → table posts\n")]);
    const flags = ["--path", "data.items", "--select", "id,user=user.name", "--key", "id"];
    await call(folder, "fetch", at("nested"), ...flags);
    expect(rows(folder, "SELECT * FROM nested")).toEqual([[1, "u"]]);
    for (let i = 0; i < 2; i++) {
      const keyed = await call(folder, "fetch", at("posts.json"), "--key", "id");
      expect(keyed.code).toBe(0);
      const said = 'the table "posts" has no unique index on (id), which --key needs: it gets one';
      expect(keyed.err.split(said)).toHaveLength(i === 0 ? 2 : 1);
    }
    expect(rows(folder, "SELECT id FROM posts")).toEqual([[1], [2], [3]]);
    const some = await call(folder, "fetch", at("posts.json"), at("gone"), "--table", "some");
    expect(some.code).toBe(1);
    expect(nextCommands(some).at(-1)).toBe(
      `pipeloom fetch ${at("posts.json")} ${at("gone")} --table some --db pipeloom.db --resume`,
    );
    // Only what has failed is asked for again: no row is stored twice.
    await call(folder, "fetch", at("posts.json"), at("gone"), "--table", "some", "--resume");
    expect(rows(folder, "SELECT COUNT(*) FROM some")).toEqual([[3]]);
  },
  patient,
);

test.each([
  ["table.csv", "the response is CSV, not JSON: save it with `pipeloom download`"],
  ["page", "the response is a web page (text/html), not JSON"],
])("fetch: %s is no JSON", async (path, message) => {
  using folder = tempFolder();
  using web = server();
  const { code, err } = await call(folder, "fetch", `http://127.0.0.1:${web.port}/${path}`);
  expect([code, err]).toEqual([1, expect.stringContaining(message)]);
});

test(
  "download: files into a folder, again without a transfer, and from standard input",
  async () => {
    using folder = tempFolder();
    using web = server();
    const url = `http://127.0.0.1:${web.port}/table.csv`;
    for (let i = 0; i < 2; i++) {
      const { code, err } = await call(folder, "download", url, "--out", "files");
      expect([code, err]).toEqual([
        0,
        expect.stringContaining("1 file in files, listed in the table manifest\n"),
      ]);
    }
    const child = Bun.spawn([...pipeloom, "download", "--list", "-"], {
      cwd: folder.path,
      stdin: new Blob([`# a list\n${url}\n`]),
      stdout: "ignore",
      stderr: "ignore",
    });
    expect(await child.exited).toBe(0);
    expect(readdirSync(join(folder.path, "downloads"))).toEqual(["table.csv"]);
    const dry = await call(folder, "download", url, `${url}2`, "--dry-run");
    expect(dry.out).toBe(
      `would download 2 files into downloads\n  downloads/table.csv (there is a file already)  ← ${url}\n  downloads/table.csv2  ← ${url}2\n`,
    );
  },
  patient,
);

test(
  "fetch, download: headers with variables, for the server that was named only; the values are stored nowhere",
  async () => {
    using folder = tempFolder();
    const seen: string[] = [];
    const saw = (who: string, { headers }: Request): void =>
      void seen.push(
        `${who} ${headers.get("authorization")} ${headers.get("accept-language")} ${headers.get("accept")}`,
      );
    using other = Bun.serve({
      port: 0,
      fetch: (request) => {
        saw("other", request);
        return Response.json([{ id: 2 }]);
      },
    });
    using api = Bun.serve({
      port: 0,
      fetch: (request) => {
        saw("server", request);
        if (request.url.endsWith(".bin")) return new Response("bytes");
        const link = `<http://localhost:${other.port}/t>; rel="next"`;
        return Response.json([{ id: 1 }], { headers: { link } });
      },
    });
    const address = `http://localhost:${api.port}`;
    const flags = ["--header", "Authorization: Bearer ${LONG_TOKEN}", "-H", "Accept-Language: en"];
    const withToken = (...args: string[]): Promise<Ended> =>
      run([...pipeloom, ...args], folder.path, { LONG_TOKEN: "s3cret-s3cret" });
    const fetched = await withToken("fetch", `${address}/t`, ...flags);
    expect(fetched.err).toContain("2 rows → table t\n");
    const downloaded = await withToken("download", `${address}/a.bin`, ...flags);
    expect(downloaded.err).toContain("1 file in downloads");
    expect(seen).toEqual([
      expect.stringMatching(/^server Bearer s3cret-s3cret en application\/json,/),
      expect.stringMatching(/^other null null application\/json,/),
      "server Bearer s3cret-s3cret en */*",
    ]);
    const [stored] = rows(folder, "SELECT group_concat(params) FROM pipeline_runs") as [string][];
    expect(String(stored)).toContain("Bearer ${LONG_TOKEN}");
    expect(await Bun.file(join(folder.path, "pipeloom.db")).text()).not.toContain("s3cret");
  },
  patient,
);

test(
  "fetch, download: a redirect to another server does not take the headers along",
  async () => {
    using folder = tempFolder();
    const keys: string[] = [];
    const back = { address: "" };
    const saw = (who: string, { headers, url }: Request): void =>
      void keys.push(`${who} ${new URL(url).pathname} ${headers.get("x-api-key")}`);
    using other = Bun.serve({
      port: 0,
      fetch: (request) => {
        saw("other", request);
        const isBack = new URL(request.url).pathname === "/back";
        return isBack ? Response.redirect(back.address) : Response.json([{ id: 2 }]);
      },
    });
    using api = Bun.serve({
      port: 0,
      fetch: (request) => {
        saw("server", request);
        const { pathname } = new URL(request.url);
        const location = {
          "/own": "/rows",
          "/other": `http://localhost:${other.port}/rows`,
          "/back": `http://localhost:${other.port}/back`,
          "/endless": "/endless",
          "/file": "file:///etc/hosts",
        }[pathname];
        return location === undefined
          ? Response.json([{ id: 1 }])
          : new Response(null, { status: 302, headers: { location } });
      },
    });
    back.address = `http://localhost:${api.port}/rows`;
    const load = (command: string, path: string): Promise<Ended> => {
      const address = `http://localhost:${api.port}${path}`;
      const words = [...pipeloom, command, address, "-H", "X-Api-Key: $KEY"];
      return run(words, folder.path, { KEY: "s3cret" });
    };
    for (const path of ["/own", "/other", "/back"])
      expect((await load("fetch", path)).code).toBe(0);
    expect(keys.splice(0)).toEqual([
      "server /own s3cret",
      "server /rows s3cret",
      "server /other s3cret",
      "other /rows null",
      "server /back s3cret",
      "other /back null",
      "server /rows null",
    ]);
    expect((await load("download", "/other")).code).toBe(0);
    expect(keys).toEqual(["server /other s3cret", "other /rows null"]);
    expect((await load("download", "/endless")).err).toContain("redirects more than 20 times");
    expect((await load("download", "/file")).err).toContain("an address that begins with file:");
  },
  patient,
);

test("a header that is given twice is wrong usage", async () => {
  using folder = tempFolder();
  const twice = ["-H", "Accept-Language: en", "-H", "accept-language: de"];
  for (const command of ["fetch", "download"]) {
    const { code, err } = await call(folder, command, "http://localhost/x", ...twice);
    expect([code, err]).toEqual([2, expect.stringContaining("accept-language is given twice")]);
  }
});

test.each([
  ["Authorization: Bearer abc", "the value of Authorization would be stored with the run"],
  ["X-Api-Key: abc", "in single quotes: 'X-Api-Key: $TOKEN'"],
  ["Authorization: Bearer $NO_SUCH_TOKEN", "Authorization: the variable NO_SUCH_TOKEN is not set"],
  ["Accept", 'is no header; e.g. "Accept-Language: en"'],
  ["Range: bytes=1-", "pipeloom sets Range itself"],
  ["X-A: a\nb", "X-A: its value has a line break"],
])("fetch --header %j is wrong usage", async (header, message) => {
  using folder = tempFolder();
  const { code, err } = await call(folder, "fetch", "http://localhost/x", "--header", header);
  expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  expect(existsSync(join(folder.path, "pipeloom.db"))).toBe(false);
});
