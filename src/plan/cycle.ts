// Finds tasks that wait for one another in a circle. The planner refuses circles through inputs, but an item of a fan-out
// may pass on a node that waits for that fan-out. Such a circle is found when nothing else is left to run. Pure.

type Waited<V> = { readonly dependents: readonly V[] };

/**
 * A circle among `starts` and their dependents, each vertex before one that waits for it; undefined where there is none.
 * Depth-first search with a stack of its own: a chain may be deeper than the call stack.
 */
export function circleBelow<V extends Waited<V>>(starts: Iterable<V>): V[] | undefined {
  const finished = new Set<V>();
  for (const start of starts) {
    if (finished.has(start)) continue;
    const path: { readonly vertex: V; next: number }[] = [{ vertex: start, next: 0 }];
    const places = new Map<V, number>([[start, 0]]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const dependent = top.vertex.dependents[top.next++];
      if (dependent === undefined) {
        finished.add(top.vertex);
        places.delete(top.vertex);
        path.pop();
        continue;
      }
      const place = places.get(dependent);
      if (place !== undefined) return path.slice(place).map(({ vertex }) => vertex);
      if (finished.has(dependent)) continue;
      places.set(dependent, path.length);
      path.push({ vertex: dependent, next: 0 });
    }
  }
  return undefined;
}
