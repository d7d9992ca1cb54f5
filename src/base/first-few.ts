/** `a, b, c and 2 more`. */
export function firstFew(items: readonly string[], most = 3): string {
  const more = items.length - most;
  return `${items.slice(0, most).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
