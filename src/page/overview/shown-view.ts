// Which databases the page shows.

import { versionLine } from "../../version.ts";
import type { DatabaseView } from "../contract.ts";
import { runsToWatch } from "../data/runs-view.ts";
import type { Shown } from "./shown.ts";

/**
 * @param id of the database that the address names; null: none
 * @throws ReaderError where the database cannot be read: the page asks this to know why
 */
export function shownView(shown: Shown, id: number | null): DatabaseView {
  const { isReadOnly, served, places } = shown;
  const isServing = served !== undefined;
  const about = { version: versionLine, isReadOnly, isServing };
  const databases = places.flatMap((place) =>
    place.id === null ? [] : [{ id: place.id, path: place.path }],
  );
  if (isServing && id === null) return { ...about, path: null, databases };
  const database = shown.of(id);
  runsToWatch(database, new Map());
  return { ...about, path: database.path, databases };
}
