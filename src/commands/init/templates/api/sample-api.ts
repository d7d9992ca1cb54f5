// Answers as an API would. Delete this file when the pipeline has an address.

const perPage = 50;

const orders = Array.from({ length: 230 }, (_, i) => ({
  id: i + 1,
  customer: `customer-${(i % 7) + 1}`,
  cents: ((i * 37) % 100) * 100,
  updated_at: new Date(Date.UTC(2026, 0, 1) + i * 3_600_000).toISOString(),
}));

/** The orders that have changed since `since`, a page of them. */
export function sampleApi(url: URL, all: readonly { updated_at: string }[] = orders): Response {
  const since = url.searchParams.get("since") ?? "";
  const page = Number(url.searchParams.get("page") ?? 1);
  const found = all.filter((order) => order.updated_at > since);
  return Response.json({
    orders: found.slice((page - 1) * perPage, page * perPage),
    pages: Math.ceil(found.length / perPage),
  });
}
