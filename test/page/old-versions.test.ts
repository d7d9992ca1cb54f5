import { expect, test } from "bun:test";
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { failuresView } from "../../src/page/data/failures-view.ts";
import { runsView } from "../../src/page/data/runs-view.ts";
import { PageOverview } from "../../src/page/overview/page-overview.ts";
import { schedulesView } from "../../src/page/overview/schedules-view.ts";
import { OneDatabase } from "../../src/page/overview/shown.ts";
import { definitionsView } from "../../src/page/data/definitions-view.ts";
import { tasksView } from "../../src/page/data/tasks-view.ts";
import { timelineView } from "../../src/page/data/timeline-view.ts";
import { PageDatabase } from "../../src/page/page-database.ts";
import { repository } from "../support/program.ts";
import { tempFolder } from "../store/write/temp-folder.ts";

const fixtures = join(repository, "test/fixtures");
const files = readdirSync(fixtures).filter((file) => file.endsWith(".sqlite"));

test("there are files of earlier versions", () => expect(files.length).toBeGreaterThan(5));

test.each(files)("the tasks of %s, which lacks columns of this version", async (file) => {
  using folder = tempFolder();
  copyFileSync(join(fixtures, file), folder.file("a.db"));
  using database = new PageDatabase({ path: folder.file("a.db"), isReadOnly: true });
  const { signal } = new AbortController();
  const asked = (query: string) => ({
    ids: [1],
    search: new URLSearchParams(query),
    body: undefined,
    signal,
  });
  const all = await tasksView(database, asked(""));
  expect(all).toMatchObject({ isComplete: true, isCut: false, total: all.indexed });
  expect(all.total).toBeGreaterThan(2);
  expect((await tasksView(database, asked("text=a&sort=rows"))).isComplete).toBe(true);
  const { definitions } = await definitionsView(database, asked(""));
  expect(definitions.reduce((sum, { tasks }) => sum + tasks, 0)).toBe(all.total);
  const begun = all.tasks.filter(({ startedAt }) => startedAt !== null).length;
  expect((await timelineView(database, asked(""))).tasks).toBe(begun);
  const failed = all.tasks.filter(({ status }) => status === "error").length;
  const { groups } = await failuresView(database, asked(""));
  expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(failed);
  expect(runsView(database, asked("")).runs.length).toBeGreaterThan(0);
  const overview = new PageOverview(new OneDatabase(database));
  expect(await schedulesView(overview, asked(""))).toMatchObject({ serve: null, schedules: [] });
});
